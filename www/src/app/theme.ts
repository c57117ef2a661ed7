import {
  type CSSVariablesResolver,
  createTheme,
  localStorageColorSchemeManager,
  type MantineColorsTuple,
} from "@mantine/core";

/** Where the choice of theme is kept. `public/theme.js` reads the same key before the first paint. */
export const THEME_KEY = "spark-live-theme";

/** Keeps the choice of theme on this device. */
export const themeManager = localStorageColorSchemeManager({ key: THEME_KEY });

const brand: MantineColorsTuple = [
  "#eef4ff",
  "#dfe9fc",
  "#bcd0f8",
  "#96b5f4",
  "#7eaaff",
  "#5183e6",
  "#3570dd",
  "#1f5fd6",
  "#174db3",
  "#123d90",
];

/** The library's greys of the dark theme, in the tint of the page's own. */
const dark: MantineColorsTuple = [
  "#e7eaef",
  "#b1b9c5",
  "#949eac",
  "#6b7584",
  "#272d36",
  "#2b323c",
  "#1c2128",
  "#161a20",
  "#12161b",
  "#0e1115",
];

/** The library's components in the page's own colours, which `tokens.css` holds. */
export const theme = createTheme({
  primaryColor: "brand",
  primaryShade: { light: 7, dark: 6 },
  colors: { brand, dark },
  fontFamily: "var(--font-sans)",
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  autoContrast: true,
});

/** Points the library's surface and text variables at the page's tokens, in both themes alike. */
export const variables: CSSVariablesResolver = () => {
  const shared = {
    "--mantine-color-body": "var(--surface)",
    "--mantine-color-text": "var(--text)",
    "--mantine-color-dimmed": "var(--text-faint)",
    "--mantine-color-placeholder": "var(--text-faint)",
    "--mantine-color-error": "var(--down)",
    "--mantine-color-default": "var(--surface)",
    "--mantine-color-default-hover": "var(--surface-hover)",
    "--mantine-color-default-color": "var(--text)",
    "--mantine-color-default-border": "var(--line)",
  };
  return { variables: {}, light: shared, dark: shared };
};
