// A stranger's project: the packages as they would be published, and nothing of this repository around them.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";

const here = import.meta.dirname;
const packages = path.join(here, "../packages");

const require = createRequire(import.meta.url);

/** The folder of an installed package. */
export function installed(name) {
  return path.dirname(require.resolve(`${name}/package.json`));
}

/** Packs both packages and unpacks them into a folder of their own, beside React. */
export function makeProject() {
  const root = mkdtempSync(path.join(tmpdir(), "spark-packaging-"));
  const modules = path.join(root, "node_modules");
  for (const name of ["live-core", "live-react"]) {
    const target = path.join(modules, "@spark", name);
    mkdirSync(target, { recursive: true });
    const tarball = pack(path.join(packages, name), root);
    execFileSync("tar", ["-xzf", tarball, "-C", target, "--strip-components=1"]);
  }
  for (const name of ["react", "react-dom"]) symlinkSync(installed(name), path.join(modules, name));
  // Copied: the compiler follows links, and would look for a type's own imports where the link leads.
  for (const name of ["@types/react", "csstype"]) {
    cpSync(installed(name), path.join(modules, name), { recursive: true });
  }
  writeFileSync(
    path.join(root, "package.json"),
    JSON.stringify({ name: "stranger", private: true, type: "module" }),
  );
  return {
    root,
    folder: (name) => path.join(modules, ...name.split("/")),
    write(file, text) {
      const target = path.join(root, file);
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, text);
      return target;
    },
    /** Runs a file with Node and returns what it printed. */
    node: (file) =>
      execFileSync(process.execPath, [path.join(root, file)], { cwd: root, encoding: "utf8" }).trim(),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

function pack(folder, to) {
  const args = ["pack", "--ignore-scripts", "--silent", "--pack-destination", to];
  const [name] = execFileSync("npm", args, { cwd: folder, encoding: "utf8" }).trim().split("\n").slice(-1);
  return path.join(to, name);
}

/** All files below a folder, as relative paths. */
export function files(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}
