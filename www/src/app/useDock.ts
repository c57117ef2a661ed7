import { useCallback, useState } from "react";
import { readAddress } from "../lib/address";

/** Where it is kept on this device whether the copilot is open. */
const KEY = "spark-live-copilot";

/** Whether the copilot is open, and how that is changed. */
export interface Dock {
  isOpen: boolean;
  /** Whether the person has opened or closed it, rather than found it so. */
  isByHand: boolean;
  toggle: () => void;
  close: () => void;
}

/** Whether the copilot is open: as it was left, and where the address names a conversation. */
export function useDock(): Dock {
  const [isOpen, setOpen] = useState(wasLeftOpen);
  const [isByHand, setByHand] = useState(false);
  const set = useCallback((next: boolean) => {
    setOpen(next);
    setByHand(true);
    try {
      localStorage.setItem(KEY, next ? "open" : "closed");
    } catch {
      // It lasts as long as the page, then.
    }
  }, []);
  return { isOpen, isByHand, toggle: () => set(!isOpen), close: () => set(false) };
}

function wasLeftOpen(): boolean {
  const isNamed = readAddress(window.location.search).copilot !== null;
  try {
    const left = localStorage.getItem(KEY);
    if (left === "closed") return false;
    // On a small window it would cover what the person came for.
    return isNamed || (left === "open" && window.matchMedia("(min-width: 80em)").matches);
  } catch {
    return isNamed;
  }
}
