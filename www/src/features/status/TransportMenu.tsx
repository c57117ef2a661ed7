import { Menu, UnstyledButton, VisuallyHidden } from "@mantine/core";
import type { Transport } from "@spark/live-core";
import { useLiveStatus } from "@spark/live-react";
import { ChevronIcon } from "../../components/icons";
import { transportOf } from "../../lib/address";
import classes from "./StatusBar.module.css";

const NAMES: Record<Transport, string> = {
  websocket: "WebSocket",
  sse: "SSE",
  polling: "Long polling",
};

const CHOICES = [
  { value: "websocket", name: "WebSocket", about: "One line both ways" },
  { value: "sse", name: "Server-sent events", about: "Plain HTTP, passes most proxies" },
  { value: "polling", name: "Long polling", about: "A request at a time, passes all proxies" },
];

/** Properties of {@link TransportMenu}. */
export interface TransportMenuProps {
  /** The transport that was asked for. */
  chosen: Transport;
  onChoose: (transport: Transport) => void;
}

/** Names the transport in use and lets another one be chosen. */
export function TransportMenu({ chosen, onChoose }: TransportMenuProps) {
  const transport = useLiveStatus((link) => link.transport) ?? chosen;
  return (
    <div className={classes.cell}>
      <Menu
        position="top-start"
        withinPortal={false}
        withInitialFocusPlaceholder={false}
        shadow="md"
        width="18rem"
        offset={10}
      >
        <Menu.Target>
          <UnstyledButton className={classes.button}>
            <VisuallyHidden component="span">Transport: </VisuallyHidden>
            <span className={classes.label} data-testid="status-transport">
              {NAMES[transport]}
            </span>
            <ChevronIcon />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.RadioGroup value={chosen} onChange={(value) => onChoose(transportOf(value))}>
            {CHOICES.map(({ value, name, about }) => (
              <Menu.RadioItem key={value} value={value} closeMenuOnClick>
                <span className={classes.choice}>{name}</span>
                <span className={classes.about}>{about}</span>
              </Menu.RadioItem>
            ))}
          </Menu.RadioGroup>
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}
