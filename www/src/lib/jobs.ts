/** Backtests that a page of the list has. Whoever asks for as many is told of the same list. */
export const JOBS_PAGE = 50;
