/** Class names of a stylesheet module, as Vite exports them. */
declare module "*.module.css" {
  const classes: { readonly [name: string]: string };
  export default classes;
}

declare module "*.css" {}

/** The text of a file. */
declare module "*?raw" {
  const text: string;
  export default text;
}
