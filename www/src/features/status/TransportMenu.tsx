import { Menu, UnstyledButton, VisuallyHidden } from "@mantine/core";
import type { Transport } from "@spark/live-core";
import { useLiveStatus } from "@spark/live-react";
import { useTranslation } from "react-i18next";
import { ChevronIcon } from "../../components/icons";
import { transportOf } from "../../lib/address";
import classes from "./StatusBar.module.css";

const CHOICES = ["websocket", "sse", "polling"] as const satisfies Transport[];

/** Properties of {@link TransportMenu}. */
export interface TransportMenuProps {
  /** The transport that was asked for. */
  chosen: Transport;
  onChoose: (transport: Transport) => void;
}

/** Names the transport in use and lets another one be chosen. */
export function TransportMenu({ chosen, onChoose }: TransportMenuProps) {
  const { t } = useTranslation("status");
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
            <VisuallyHidden component="span">{`${t("transport.name")} `}</VisuallyHidden>
            <span className={classes.label} data-testid="status-transport">
              {t(`transport.${transport}`)}
            </span>
            <ChevronIcon />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.RadioGroup value={chosen} onChange={(value) => onChoose(transportOf(value))}>
            {CHOICES.map((value) => (
              <Menu.RadioItem key={value} value={value} closeMenuOnClick>
                <span className={classes.choice}>
                  {t(value === "sse" ? "transport.sseLong" : `transport.${value}`)}
                </span>
                <span className={classes.about}>{t(`transport.${value}About`)}</span>
              </Menu.RadioItem>
            ))}
          </Menu.RadioGroup>
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}
