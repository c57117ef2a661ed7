// Sets the chosen theme before the first paint, so that a dark page does not flash white. A file of its
// own because the page's policy allows no inline script. The key is the one in src/app/theme.ts.
(() => {
  var choice = "auto";
  try {
    choice = localStorage.getItem("spark-live-theme") || "auto";
  } catch (_blocked) {
    // Storage may be forbidden; the system's theme is used then.
  }
  var dark = choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
