import type { ReactNode } from "react";

/** Icons are decoration: the control that holds one carries the name. Size and colour follow the text. */
function Icon({ children }: { children: ReactNode }) {
  return (
    <svg
      width="1.15em"
      height="1.15em"
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  );
}

/** The light theme. */
export const SunIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="3.4" />
    <path d="M10 2.2v1.6M10 16.2v1.6M2.2 10h1.6M16.2 10h1.6M4.5 4.5l1.1 1.1M14.4 14.4l1.1 1.1M15.5 4.5l-1.1 1.1M5.6 14.4l-1.1 1.1" />
  </Icon>
);

/** The dark theme. */
export const MoonIcon = () => (
  <Icon>
    <path d="M16.6 11.8A7 7 0 0 1 8.2 3.4a7 7 0 1 0 8.4 8.4z" />
  </Icon>
);

/** The system's theme. */
export const ScreenIcon = () => (
  <Icon>
    <rect x="2.6" y="3.6" width="14.8" height="10.2" rx="1.6" />
    <path d="M7 17h6M10 13.8V17" />
  </Icon>
);

/** Opens a menu. */
export const ChevronIcon = () => (
  <Icon>
    <path d="m6 8 4 4 4-4" />
  </Icon>
);

/** Opens an explanation. */
export const HelpIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="7.3" />
    <path d="M7.9 7.9a2.15 2.15 0 1 1 3.1 1.9c-.7.4-1 .8-1 1.5M10 13.9v.1" />
  </Icon>
);

/** History played back. */
export const ReplayIcon = () => (
  <Icon>
    <path d="M3.6 10a6.4 6.4 0 1 0 2-4.6L3.6 7.2M3.6 3.4v3.8h3.8M10 6.8V10l2.2 1.4" />
  </Icon>
);

/** Nothing to show. */
export const EmptyIcon = () => (
  <Icon>
    <path d="M3 11.5h3.8l1.2 2h4l1.2-2H17M3 11.5 5.2 5h9.6L17 11.5V15a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1z" />
  </Icon>
);

/** Something failed. */
export const AlertIcon = () => (
  <Icon>
    <path d="M10 3 1.9 16.5h16.2zM10 8v4M10 14.3v.1" />
  </Icon>
);

/** A market as it happens. */
export const LiveIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="1.8" />
    <path d="M6.1 6.1a5.5 5.5 0 0 0 0 7.8M13.9 6.1a5.5 5.5 0 0 1 0 7.8M3.5 3.5a9.2 9.2 0 0 0 0 13M16.5 3.5a9.2 9.2 0 0 1 0 13" />
  </Icon>
);

/** Chance. */
export const DiceIcon = () => (
  <Icon>
    <rect x="3.2" y="3.2" width="13.6" height="13.6" rx="3" />
    <path d="M7.2 7.2h.01M12.8 7.2h.01M10 10h.01M7.2 12.8h.01M12.8 12.8h.01" strokeWidth="2.4" />
  </Icon>
);

/** The copilot. */
export const SparkIcon = () => (
  <Icon>
    <path d="M10 2.8c.6 4 2.6 6 6.6 6.6-4 .6-6 2.6-6.6 6.6-.6-4-2.6-6-6.6-6.6 4-.6 6-2.6 6.6-6.6zM16 14.4v3M14.5 15.9h3" />
  </Icon>
);

/** Sends. */
export const SendIcon = () => (
  <Icon>
    <path d="M3 10 17 3.6 13.4 17l-3.6-5.2zM9.8 11.8 17 3.6" />
  </Icon>
);

/** Stops. */
export const StopIcon = () => (
  <Icon>
    <rect x="5" y="5" width="10" height="10" rx="1.6" />
  </Icon>
);

/** Done. */
export const CheckIcon = () => (
  <Icon>
    <path d="m4.5 10.5 3.6 3.6 7.4-8.2" />
  </Icon>
);

/** Not done. */
export const CrossIcon = () => (
  <Icon>
    <path d="m5.5 5.5 9 9M14.5 5.5l-9 9" />
  </Icon>
);

/** Begins anew. */
export const PlusIcon = () => (
  <Icon>
    <path d="M10 4.5v11M4.5 10h11" />
  </Icon>
);

/** Downloads. */
export const DownloadIcon = () => (
  <Icon>
    <path d="M10 3v9.2M6.2 8.6 10 12.4l3.8-3.8M3.6 16.4h12.8" />
  </Icon>
);

/** How the page looks and speaks. */
export const SettingsIcon = () => (
  <Icon>
    <path d="M3 6h7M14 6h3M3 14h3M10 14h7" />
    <circle cx="12" cy="6" r="2" />
    <circle cx="8" cy="14" r="2" />
  </Icon>
);
