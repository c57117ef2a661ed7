import classes from "./Header.module.css";

/** The mark and the name; the page's first heading. */
export function Brand() {
  return (
    <h1 className={classes.brand}>
      <svg className={classes.mark} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
        <rect width="32" height="32" rx="8" fill="#1f5fd6" />
        <path
          d="M5.5 19.5h5l3.2-10 5 14.5 3-9 1.6 4.5h3.2"
          fill="none"
          stroke="#fff"
          strokeWidth="2.6"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </svg>
      Spark Live
    </h1>
  );
}
