/** Words of the frame around every view. */
export default {
  nav: {
    label: "Views",
    market: "Market",
    backtests: "Backtests",
    status: "Status",
    errors: "Error codes",
  },
  copilot: "Copilot",
  theme: { label: "Theme", light: "Light", auto: "As the system", dark: "Dark" },
  language: "Language",
  settings: "Language and theme",
  skip: "Skip to the content",
  loading: "Loading",
  table: "{{name}}, table",
  retry: "Try again",
  close: "Close",
  whatIsThis: "What is {{code}}?",
  notFound: {
    title: "There is no such page",
    text: "The address may be mistyped. The market is a good place to begin.",
    link: "To the market",
  },
} as const;
