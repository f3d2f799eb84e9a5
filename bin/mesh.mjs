#!/usr/bin/env node
/**
 * The `mesh` command: makes sure of the Node version, then runs the CLI. A checkout runs `src/`, because Node 24 strips
 * types; the package has no `src/` and runs `dist/`, because Node does not strip types inside node_modules.
 */
import fs from 'fs';
import path from 'path';
import { fileURLToPath, pathToFileURL } from 'url';
import { root, runOnNewNode } from './new-node.mjs';

runOnNewNode(fileURLToPath(import.meta.url), () => {
  const source = path.join(root, 'src', 'cli', 'main.ts');
  const main = fs.existsSync(source) ? source : path.join(root, 'dist', 'cli', 'main.js');
  return import(pathToFileURL(main).href).then((cli) => cli.run(process.argv.slice(2)));
});
