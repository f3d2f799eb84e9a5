/**
 * Checks what the documents say about files and commands: `node tools/run.mjs tools/check-docs.mjs [FOLDER]`.
 *
 * 1. Relative links and images lead to files, and their anchors to headings.
 * 2. Paths in code spans exist in the checkout, and so do npm scripts that are named. (The changelog may name the past.)
 * 3. `mesh` in fenced blocks and code spans is used with commands and options that `mesh --help` knows.
 * 4. Each variable `MESH_…` is an option of the daemon. (The changelog may name the past.)
 * 5. Every page under `docs/` is reachable by links from the README.
 */
import fs from 'node:fs';
import path from 'node:path';
import { root as checkout } from '../bin/new-node.mjs';
import { parseArguments } from '../src/cli/parser.ts';
import { OPTION_NAMES } from '../src/daemon/option-table.ts';

const root = path.resolve(process.argv[2] ?? checkout);
const problems = [];
const SHELLS = ['sh', 'bash', 'console'];

function filesIn(folder) {
  if (!fs.existsSync(path.join(root, folder))) return [];
  return fs.readdirSync(path.join(root, folder), { recursive: true }).map((name) => path.join(folder, name));
}

function markdownFiles() {
  const all = [...fs.readdirSync(root), ...filesIn('docs'), ...filesIn('skills')];
  return all.filter((name) => name.endsWith('.md')).sort();
}

/** A page as lines of prose (fences emptied) and fenced blocks with language and first line number. */
function readPage(name) {
  const prose = [];
  const blocks = [];
  let block;
  for (const [i, line] of fs.readFileSync(path.join(root, name), 'utf8').split('\n').entries()) {
    const fence = /^\s*(`{3,})\s*(\S*)/.exec(line);
    if (block) {
      if (fence && fence[1] === block.fence && fence[2] === '') {
        blocks.push(block);
        block = undefined;
      } else block.lines.push(line);
    } else if (fence) block = { fence: fence[1], language: fence[2], line: i + 2, lines: [] };
    prose.push(block || fence ? '' : line);
  }
  if (block) report(name, block.line, 'a fenced block that does not end');
  return { name, prose, blocks };
}

function report(name, line, text) {
  problems.push(`${name}:${line}: ${text}`);
}

/** Anchors of a page as GitHub makes them from headings, and those that are written out. */
function anchorsOf(page) {
  const seen = new Map();
  const anchors = new Set();
  for (const line of page.prose) {
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(line);
    for (const [, id] of line.matchAll(/<a id="([^"]+)">/g)) anchors.add(id);
    if (!heading) continue;
    const text = heading[1].replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = text.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-');
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    anchors.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return anchors;
}

const withoutCode = (line) => line.replace(/(`+)(?:(?!\1).)*\1/g, (code) => ' '.repeat(code.length));

/** @returns the pages that this one links to */
function checkLinks(page, pages) {
  const linked = [];
  page.prose.forEach((line, i) => {
    for (const [, target] of withoutCode(line).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z][a-z0-9+.-]*:/i.test(target)) continue;
      const [file, anchor] = target.split('#');
      const to = file === '' ? page.name : path.join(path.dirname(page.name), decodeURIComponent(file));
      if (!fs.existsSync(path.join(root, to))) report(page.name, i + 1, `link to ${target}: no such file`);
      else if (anchor !== undefined && pages.has(to) && !anchorsOf(pages.get(to)).has(anchor))
        report(page.name, i + 1, `link to ${target}: no such heading`);
      linked.push(to);
    }
  });
  return linked;
}

function codeSpans(page) {
  return page.prose.flatMap((line, i) =>
    [...line.matchAll(/(`+)((?:(?!\1).)+)\1/g)].map(([, , text]) => ({ line: i + 1, text: text.trim() })),
  );
}

/** What commands make and git ignores: a clean clone does not have it. */
const isMade = /^(?:data|dist|website\/docs|\.ci\/out)\//;

function checkPaths(page, scripts) {
  if (page.name === 'CHANGELOG.md') return;
  const entries = new Set(fs.readdirSync(checkout));
  for (const { line, text } of codeSpans(page)) {
    const isPath = /^[\w.@-]+(?:\/[\w.@*-]+)*\/?$/.test(text) && !text.includes('*');
    const first = text.split('/')[0];
    const isOurs = text.includes('/') ? entries.has(first) : /\.(?:md|example)$/.test(text);
    if (isPath && isOurs && !isMade.test(text) && !fs.existsSync(path.join(checkout, text)))
      report(page.name, line, `${text}: no such file`);
  }
  const texts = [...codeSpans(page), ...shellBlocks(page)];
  for (const { line, text } of texts)
    for (const [, script] of text.matchAll(/\bnpm run (?:--?[\w-]+ )*([\w:-]+)/g))
      if (!scripts.has(script)) report(page.name, line, `npm run ${script}: no such script`);
}

function shellBlocks(page) {
  return page.blocks
    .filter(({ language }) => SHELLS.includes(language))
    .map(({ line, lines }) => ({ line, text: lines.join('\n').replaceAll('\\\n', ' ') }));
}

/** The commands of a shell text as lists of words: enough of the grammar for documents, with `$(…)` as a command. */
function shellCommands(text) {
  const commands = [];
  let words = [];
  let word = '';
  let quote = '';
  const outer = [];
  const endWord = () => {
    if (word !== '') words.push(word);
    word = '';
  };
  const endCommand = () => {
    endWord();
    if (words.length > 0) commands.push(words);
    words = [];
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quote === "'") {
      if (c === "'") quote = '';
      else word += c;
    } else if (c === '\\') word += text[++i] ?? '';
    else if (c === '$' && text[i + 1] === '(') {
      outer.push({ words, word: `${word}$`, quote });
      [words, word, quote] = [[], '', ''];
      i++;
    } else if (quote === '"') {
      if (c === '"') quote = '';
      else word += c;
    } else if (c === '"' || c === "'") {
      quote = c;
      word += '\u0000'; // even an empty text is a word
    } else if (c === ')' && outer.length > 0) {
      endCommand();
      ({ words, word, quote } = outer.pop());
    } else if (c === '#' && word === '') while (i + 1 < text.length && text[i + 1] !== '\n') i++;
    else if (';|&()\n'.includes(c)) endCommand();
    else if (/\s/.test(c)) endWord();
    else word += c;
  }
  endCommand();
  return commands.map((one) => one.map((text) => text.replaceAll('\u0000', '')));
}

/** The words after `mesh`, or undefined if the command does not run it. */
function meshArguments(words) {
  let at = 0;
  while (/^(?:\w+=.*|\$|if|then|do|while|until|!|test|time)$/s.test(words[at] ?? '')) at++;
  if (words[at] === 'npx') at++;
  else if (words[at] === 'node' && words[at + 1] === 'bin/mesh.mjs') at++;
  return words[at] === 'mesh' || words[at] === 'bin/mesh.mjs' ? words.slice(at + 1) : undefined;
}

async function help(...command) {
  const { text } = await parseArguments([...command, '--help']);
  return text;
}

/** What `mesh --help` knows: commands, and the options of each. */
async function knownCommands() {
  const optionsIn = (text) =>
    new Set([...text.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([option]) => option));
  const top = await help();
  const names = [...top.matchAll(/^ {2}mesh ([a-z]+)/gm)].map(([, name]) => name);
  const lists = (text) => text.slice(text.indexOf('\nOptions:'));
  const commands = new Map();
  for (const name of new Set(names)) commands.set(name, optionsIn(lists(await help(name))));
  return { global: optionsIn(lists(top)), commands };
}

function checkMesh(page, known) {
  const spans = codeSpans(page).filter(({ text }) => /^(?:npx )?mesh \S/.test(text));
  for (const { line, text } of [...shellBlocks(page), ...spans])
    for (const words of shellCommands(text)) {
      const args = meshArguments(words);
      if (args === undefined || args.length === 0) continue;
      const name = args.find((word) => !word.startsWith('-'));
      const options = name === undefined ? known.global : known.commands.get(name);
      const shown = `mesh ${args.join(' ')}`.slice(0, 80);
      if (/^[A-Z…]/.test(name ?? '')) continue; // a placeholder, such as COMMAND
      if (options === undefined) {
        report(page.name, line, `${shown}: mesh has no command "${name}"`);
        continue;
      }
      for (const word of args) {
        if (word === '--') break;
        const option = /^--[^=]+/.exec(word)?.[0];
        if (option !== undefined && !options.has(option))
          report(page.name, line, `${shown}: no option ${option}`);
      }
    }
}

function checkVariables(page) {
  if (page.name === 'CHANGELOG.md') return;
  const lines = page.prose.map((text, i) => ({ line: i + 1, text }));
  const blocks = page.blocks.map(({ line, lines }) => ({ line, text: lines.join('\n') }));
  for (const { line, text } of [...lines, ...blocks])
    for (const [name] of text.matchAll(/\bMESH_[A-Z_]+\b/g))
      if (!OPTION_NAMES.includes(name)) report(page.name, line, `${name}: no such variable`);
}

function checkReach(links) {
  const reached = new Set(['README.md']);
  for (const name of reached) for (const to of links.get(name) ?? []) reached.add(to);
  for (const name of links.keys())
    if (name.startsWith('docs') && !reached.has(name)) report(name, 1, 'no link leads here from the README');
}

const pages = new Map(markdownFiles().map((name) => [name, readPage(name)]));
const scripts = new Set(
  Object.keys(JSON.parse(fs.readFileSync(path.join(checkout, 'package.json'), 'utf8')).scripts),
);
const known = await knownCommands();
const links = new Map();
for (const page of pages.values()) {
  links.set(page.name, checkLinks(page, pages));
  checkPaths(page, scripts);
  checkMesh(page, known);
  checkVariables(page);
}
checkReach(links);
for (const problem of problems) console.error(problem);
console.log(`${pages.size} pages checked, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
