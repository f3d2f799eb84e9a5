// Runs the steps of deploy/Dockerfile without Docker: each stage is a folder, its absolute paths lie below that folder,
// and the programs are those of this machine. The image must become healthy by its own HEALTHCHECK, hold nothing but what
// the daemon needs, keep its data folder to itself, answer a command that is given in it, and end with 0 by its STOPSIGNAL.
// What this cannot show: the base image, and the user `node` that only it has.
// Argument: a folder that does not exist yet. Plain JavaScript; needs the Node that the image has.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { copyCheckout, environment, fail, freePort, mustEnd, until, watch } from './host.mjs';

const HEALTHY_MS = 60_000;
const FILE = 'deploy/Dockerfile';
/** Of the base image; nobody here has to have it. */
const OWNER = ' -o node -g node';

const [folder] = process.argv.slice(2);

function readSteps() {
  const text = readFileSync(FILE, 'utf8').replace(/\\\n\s*/g, ' ');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, word, rest] = /^(\w+)\s+(.*)$/.exec(line) ?? fail(`${FILE}: not understood: ${line}`);
      return { word, rest };
    });
}

/** What stands behind `CMD`, which must be a JSON array: a shell in between would not pass signals on. */
function commandOf(text) {
  const command = JSON.parse(text);
  if (!Array.isArray(command)) fail(`${FILE}: not a JSON array: ${text}`);
  return command;
}

class Stage {
  /** @param root the folder that stands for `/` */
  constructor(root) {
    this.root = root;
    this.workdir = '/';
    this.env = {};
    this.health = undefined;
    this.stopSignal = 'SIGTERM';
    this.command = undefined;
    this.user = 'root';
  }

  path(text) {
    return join(this.root, text.startsWith('/') ? text : join(this.workdir, text));
  }

  get options() {
    return { cwd: this.path('.'), env: environment(this.env) };
  }

  copy(rest, sourceOf) {
    const words = rest.split(/\s+/);
    const from = words[0].startsWith('--from=') ? words.shift().slice('--from='.length) : undefined;
    const target = words.pop();
    for (const name of words) {
      const source = sourceOf(from, name);
      if (!existsSync(source)) fail(`${FILE}: COPY ${name}: there is no such file`);
      // Docker copies what is in a folder, and a file into a target that ends with a slash.
      const isInto = target.endsWith('/') && statSync(source).isFile();
      cpSync(source, isInto ? join(this.path(target), basename(source)) : this.path(target), {
        recursive: true,
        verbatimSymlinks: true,
      });
    }
  }

  run(rest) {
    console.log(`$ ${rest}`);
    const here = rest.replace(OWNER, '').replaceAll(/(?<=\s)\/(?=\w)/g, `${this.root}/`);
    const { status, signal } = spawnSync('/bin/sh', ['-c', here], { ...this.options, stdio: 'inherit' });
    if (status !== 0) fail(`${FILE}: RUN ended with ${signal ?? status}`);
  }
}

/** Runs every step. @returns the last stage, which is the image */
function build(steps) {
  const context = join(folder, 'context');
  copyCheckout(context);
  const stages = new Map();
  let stage;
  for (const { word, rest } of steps) {
    if (word === 'FROM') {
      const [image, , name = 'image'] = rest.split(/\s+/);
      if (!image.startsWith(`node:${process.versions.node.split('.')[0]}-`))
        fail(`${FILE}: ${image} is not the Node that this runs on (${process.version})`);
      stage = new Stage(join(folder, name));
      stages.set(name, stage);
      mkdirSync(stage.root, { recursive: true });
    } else if (word === 'WORKDIR') {
      stage.workdir = rest;
      mkdirSync(stage.path('.'), { recursive: true });
    } else if (word === 'COPY')
      stage.copy(rest, (from, name) => (from ? stages.get(from).path(name) : join(context, name)));
    else if (word === 'RUN') stage.run(rest);
    else if (word === 'ENV') {
      const [name, value] = rest.split('=');
      stage.env[name] = value;
    } else if (word === 'CMD') stage.command = commandOf(rest);
    else if (word === 'HEALTHCHECK') stage.health = commandOf(rest.replace(/^.*? CMD /, ''));
    else if (word === 'USER') stage.user = rest;
    else if (word === 'STOPSIGNAL') stage.stopSignal = rest;
    else if (!['VOLUME', 'EXPOSE'].includes(word)) fail(`${FILE}: ${word} is not known here`);
  }
  return stage;
}

/** The image holds what the daemon needs, and no tools, sources, keys or messages. */
function inspect(image) {
  if (image.user === 'root') fail('the daemon would run as root');
  const found = readdirSync(image.path('.')).sort().join(' ');
  const wanted = 'LICENSE bin dist node_modules package.json website';
  if (found !== wanted) fail(`the image holds ${found}, and should hold ${wanted}`);
  const { devDependencies, dependencies } = JSON.parse(readFileSync(image.path('package.json'), 'utf8'));
  for (const name of Object.keys(devDependencies))
    if (existsSync(image.path(`node_modules/${name}`)))
      fail(`the image holds ${name}, a tool for developers`);
  for (const name of Object.keys(dependencies))
    if (!existsSync(image.path(`node_modules/${name}`))) fail(`the image lacks ${name}`);
  const data = image.path(image.env.MESH_DATA_DIR);
  const mode = (statSync(data).mode & 0o777).toString(8);
  if (mode !== '700') fail(`the data folder has mode ${mode}`);
  return execFileSync('du', ['-sm', image.path('.')], { encoding: 'utf8' }).split('\t')[0];
}

const image = build(readSteps());
const size = inspect(image);
chmodSync(image.path('.'), 0o555); // the daemon writes into its data folder and nowhere else
image.env.MESH_DATA_DIR = image.path(image.env.MESH_DATA_DIR);
image.env.PORT = `${await freePort()}`;
const [program, ...args] = image.command;
console.log(`$ ${image.command.join(' ')}`);
const child = spawn(program, args, { ...image.options, stdio: ['ignore', 'pipe', 'pipe'] });
const watched = watch(child);
const [probe, ...probeArgs] = image.health;
const isHealthy = () => spawnSync(probe, probeArgs, image.options).status === 0;
const healthyMs = await until('HEALTHCHECK succeeds', isHealthy, watched, HEALTHY_MS);
const status = spawnSync('node', ['bin/mesh.mjs', 'status'], { ...image.options, encoding: 'utf8' });
if (status.status !== 0) fail(`"mesh status" ended with ${status.status}: ${status.stderr}`);
child.kill(image.stopSignal);
await mustEnd(watched);
if (isHealthy()) fail('HEALTHCHECK succeeds where no daemon is');
console.log(`the image has ${size} MiB besides Node, is healthy after ${healthyMs} ms, and stops with 0`);
