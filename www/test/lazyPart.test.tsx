import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { lazyPart } from "../src/app/lazyPart";

test("code that did not come is asked for anew, and once it is there nobody waits for it again", async () => {
  const complaints = vi.spyOn(console, "error").mockImplementation(() => {});
  const load = vi
    .fn<() => Promise<{ default: () => string }>>()
    .mockRejectedValueOnce(new Error("no way there"))
    .mockResolvedValue({ default: () => "It is there" });
  const Part = lazyPart(load);
  const page = () => (
    <MantineProvider env="test">
      <Part props={{}} fallback="It comes" />
    </MantineProvider>
  );
  const first = render(page());
  expect(screen.getByText("It comes")).toBeTruthy();
  await userEvent.click(await screen.findByRole("button", { name: "Try again" }));
  expect(await screen.findByText("It is there")).toBeTruthy();
  first.unmount();
  render(page());
  expect(screen.getByText("It is there")).toBeTruthy();
  expect(load).toHaveBeenCalledTimes(2);
  complaints.mockRestore();
});
