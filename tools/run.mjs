/**
 * Runs a tool of this checkout on a Node that is new enough: `node tools/run.mjs vitest run`, `... tools/build.ts`.
 *
 * The first argument is a file with an extension, or the name of a program in `node_modules/.bin`. `--print-node`
 * prints the path of the Node that tools run on. With npm 11 the scripts find the bundled Node by themselves; npm 10
 * (which comes with Node 20) loses its link, because it removes the links of the packages for other platforms, and
 * they all have one name.
 */
import fs from 'fs';
import path from 'path';
import { fileURLToPath, pathToFileURL } from 'url';
import { root, runOnNewNode } from '../bin/new-node.mjs';

runOnNewNode(fileURLToPath(import.meta.url), () => {
  const name = process.argv[2];
  if (name === '--print-node') {
    console.log(process.execPath);
    return Promise.resolve();
  }
  // What a tool starts by name (`node`, `npm`) must find this Node first.
  process.env.PATH = path.dirname(process.execPath) + path.delimiter + process.env.PATH;
  const file = path.extname(name) === '' ? findProgram(name) : path.resolve(root, name);
  process.argv.splice(1, 2, file);
  return import(pathToFileURL(file).href);
});

/** The script behind `node_modules/.bin/name`; read from the packages, because Windows has shell stubs there. */
function findProgram(name) {
  const packages = path.join(root, 'node_modules');
  for (const entry of [name, '@biomejs/' + name, name === 'tsc' ? 'typescript' : name]) {
    const manifest = path.join(packages, entry, 'package.json');
    if (!fs.existsSync(manifest)) continue;
    const { bin } = JSON.parse(fs.readFileSync(manifest, 'utf8'));
    const script = typeof bin === 'string' ? bin : bin[name];
    if (script !== undefined) return path.join(packages, entry, script);
  }
  console.error('There is no program ' + name + ' in node_modules. Run "npm install" first.');
  return process.exit(1);
}
