import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";
import { startLanguage } from "../src/i18n";

afterEach(cleanup);

// Some tests run without a page.
if (typeof window !== "undefined") await startLanguage();
