import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { ErrorBoundary } from "../src/components/ErrorBoundary";

function Broken(): never {
  throw new Error("a fault of the page");
}

test("a fault in the page is told plainly, with a way out", () => {
  const logged = vi.spyOn(console, "error").mockImplementation(() => {});
  render(
    <MantineProvider env="test">
      <ErrorBoundary>
        <Broken />
      </ErrorBoundary>
    </MantineProvider>,
  );
  expect(screen.getByRole("alert").textContent).toContain("Something on this page broke");
  expect(screen.getByRole("button", { name: "Load the page again" })).toBeTruthy();
  expect(logged).toHaveBeenCalled();
  logged.mockRestore();
});
