import { screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { renderPage } from "./page";

const loads = vi.hoisted(() => ({ status: "away" as "away" | "there", dock: "away" as "away" | "there" }));

vi.mock("../src/features/chart/ChartController", () => import("./stillChart"));

/** A component whose code is away until it is there: what fails to load fails in the render of what waits for it. */
const part = (name: "status" | "dock", words: string) => ({
  default: () => {
    if (loads[name] === "away") throw new Error(`the code of ${name} did not come`);
    return <p>{words}</p>;
  },
});

vi.mock("../src/features/status/StatusView", () => part("status", "All is well"));
vi.mock("../src/features/copilot/CopilotDock", () => part("dock", "How can I help?"));

const complaints = vi.spyOn(console, "error").mockImplementation(() => {});

beforeEach(() => {
  loads.status = "away";
  loads.dock = "away";
  window.history.replaceState(null, "", "/status");
  localStorage.clear();
});
afterEach(() => {
  complaints.mockClear();
  localStorage.clear();
});

async function failed() {
  const page = renderPage();
  page.move((client) => client.listSymbols());
  const note = await screen.findByTestId("part-failed", undefined, { timeout: 4_000 });
  return { ...page, note };
}

test("a view that fails leaves the rest of the page as it is, and comes when it is tried again", async () => {
  const page = await failed();
  expect(page.note.textContent).toContain("This part of the page did not come");
  expect(screen.getByRole("navigation", { name: "Views" })).toBeTruthy();
  expect(screen.getByTestId("status-link")).toBeTruthy();
  loads.status = "there";
  await page.user.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByText("All is well")).toBeTruthy();
  expect(screen.queryByTestId("part-failed")).toBeNull();
});

test("what fails once more wants the page anew", async () => {
  const page = await failed();
  await page.user.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByRole("button", { name: "Load the page again" })).toBeTruthy();
});

test("a view that has failed is left by the way to another one", async () => {
  const page = await failed();
  await page.user.click(screen.getByRole("link", { name: "Market" }));
  expect(await screen.findByRole("heading", { name: "Watch list" })).toBeTruthy();
});

test("a copilot that fails takes no view with it, and can be closed", async () => {
  loads.status = "there";
  const page = renderPage();
  page.move((client) => client.listSymbols());
  await screen.findByText("All is well", undefined, { timeout: 4_000 });
  await page.user.click(screen.getByRole("button", { name: "Copilot" }));
  await screen.findByTestId("part-failed", undefined, { timeout: 4_000 });
  expect(screen.getByText("All is well")).toBeTruthy();
  await page.user.click(screen.getByRole("button", { name: "Close" }));
  await waitFor(() => expect(screen.queryByTestId("part-failed")).toBeNull());
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "Copilot" }));
});
