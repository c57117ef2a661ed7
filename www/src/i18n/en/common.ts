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
  languageAway: "Its words could not be downloaded. Try again in a moment.",
  settings: "Language and theme",
  skip: "Skip to the content",
  loading: "Loading",
  table: "{{name}}, table",
  retry: "Try again",
  close: "Close",
  ages: {
    seconds: "{{seconds}} s",
    minutes: "{{minutes}} min {{seconds}} s",
    hours: "{{hours}} h {{minutes}} min",
    days: "{{days}} d {{hours}} h",
  },
  part: {
    title: "This part of the page did not come",
    text: "The rest of the page goes on. Trying again usually helps.",
  },
  notFound: {
    title: "There is no such page",
    text: "The address may be mistyped. The market is a good place to begin.",
    link: "To the market",
  },
} as const;
