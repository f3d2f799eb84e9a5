/**
 * The life of a daemon. Order of the start: options, data folder, database with its lock, keys, verifier, port for
 * peers, API, the core's `started`, bootstrap lists, local discovery. A start that fails gives everything back and throws what a person
 * should read. The stop goes the other way.
 *
 * Nothing is contacted but the addresses of MESH_PEERS, the bootstrap lists that the screen names, the peers that these
 * lead to, and, where local discovery is on, the multicast group of the local network and the peers announced there.
 */
import path from 'node:path';
import type { Scope } from '../core/contract.ts';
import { createVerifier } from '../crypto/index.ts';
import {
  type BootstrapWatcher,
  createBootstrapWatcher,
  isLoopbackOnly,
  type Listening,
  type LocalDiscovery,
} from '../net/index.ts';
import type { Store } from '../store/index.ts';
import { removeApiFile, writeApiFile } from './api-file.ts';
import { strayKeyNote } from './doctor/stray-key.ts';
import { createEngine, type Engine } from './engine.ts';
import type { SourceView } from './gate.ts';
import { type Keys, makeFolder } from './keys.ts';
import { DatabaseHistory } from './legacy/history.ts';
import { placeStore } from './legacy/place.ts';
import { createLocalDiscovery, localDiscoveryBefore } from './local-discovery.ts';
import { createOutlet, describeError } from './log.ts';
import type { LogFile } from './log-file.ts';
import { openPlaced, recoveredText } from './open-store.ts';
import { type Options, parseOptions, shippedBootstrapFile } from './options.ts';
import type { Log } from './runner.ts';
import { Screen } from './screen.ts';
import { startFailure } from './start-failure.ts';
import { createStartLog, recordFailure } from './start-log.ts';
import type { Daemon, Door, StartOptions } from './start-options.ts';
import type { Facts } from './status.ts';
import { runStop, type StopParts } from './stop.ts';
import { systemClock } from './system.ts';
import { softwareVersion } from './version.ts';
import { isoTime } from './views.ts';

/** The API is for this machine only. */
const API_HOST = '127.0.0.1';
/** Every mesh/1 daemon is in this channel. */
const FIRST_CHANNEL = 'lobby';
/** Number of the daemon's own commands: nobody waits for the reply. */
const OWN_REQUEST = 0;
/** What an operator names may lead anywhere. */
const OPERATOR: Scope = 'loopback';

/** What is open so far: a start that fails gives it back, newest first. */
class Undo {
  readonly #steps: (() => unknown)[] = [];

  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    for (const step of this.#steps.reverse()) await step();
  }
}

function createScreen({ isTty, stdout, env, command = 'npx mesh' }: StartOptions): Screen | undefined {
  if (!isTty) return undefined;
  const isColor = env.NO_COLOR === undefined || env.NO_COLOR === '';
  return new Screen({ out: stdout, isColor, command });
}

function createFacts(options: Options, dataFolder: string, keys: Keys): Facts {
  const [first, ...others] = keys.identities.map(({ id }) => id) as [string, ...string[]];
  return {
    version: softwareVersion(),
    network: options.network,
    peer: keys.peer.id,
    identities: [first, ...others],
    startedMs: systemClock().wallMs,
    dataFolder,
    listen: { peer: '', api: '' },
  };
}

function hasHistory(store: Store): boolean {
  const { joined, carried, recordSequence } = store.restore();
  return store.lastArrival() > 0 || joined.length > 0 || carried.length > 0 || recordSequence > 0;
}

interface Opened {
  readonly options: Options;
  readonly facts: Facts;
  readonly engine: Engine;
  readonly door: Door;
  readonly log: Log;
  readonly store: Store;
  readonly notes: string[];
}

/**
 * Opens both ports. A default port that was taken is a note, one that was set an error.
 * @returns where peers reach it
 */
async function listen({ options, facts, engine, door, notes }: Opened, undo: Undo): Promise<Listening> {
  const { host, peerPort, apiPort } = options;
  undo.add(() => engine.net.shutdown());
  const peer = await engine.net.listen({ host, port: peerPort.port, fixedPort: peerPort.fixed });
  const shownHost = host.includes(':') ? `[${host}]` : host;
  facts.listen.peer = `ws://${shownHost}:${peer.port}`;
  if (peer.moved)
    notes.push(`Port ${peerPort.port} was taken, so other peers reach this daemon at port ${peer.port}.`);
  undo.add(() => door.close());
  const api = await door.listen(API_HOST, apiPort.port, apiPort.fixed);
  facts.listen.api = `http://${API_HOST}:${api.port}`;
  if (api.moved) notes.push(`Port ${apiPort.port} was taken, so the API listens on port ${api.port}.`);
  return peer;
}

/** The first event of the core, and what the operator wants from the start. */
function beginCore({ options, facts, engine, store }: Opened, port: number): void {
  const restored = store.restore();
  const { runner } = engine;
  runner.start({ ...restored, identities: facts.identities });
  // Only at the very first start: who has left every channel does not want to be back in one.
  if (!hasHistory(store)) runner.submit({ kind: 'join', request: OWN_REQUEST, channel: FIRST_CHANNEL });
  if (options.relay === 'always' || (options.relay === 'auto' && !isLoopbackOnly(options.host)))
    runner.submit({ kind: 'listening', port });
  if (options.peers.length === 0) return;
  const addresses = options.peers.map((url) => ({ url, peer: '' }));
  runner.submit({ kind: 'addresses', source: 'MESH_PEERS', scope: OPERATOR, addresses, fixed: true });
}

function watchBootstrap(
  { options, engine }: Opened,
  viewOf: (source: string) => SourceView,
): BootstrapWatcher {
  return createBootstrapWatcher({
    sources: options.bootstrap,
    allowPrivate: options.allowPrivate,
    shippedFiles: [shippedBootstrapFile()],
    random: Math.random,
    onResult: (source, result) => {
      if (result.ok && result.addresses.length > 0) {
        const { scope, addresses } = result;
        engine.runner.submit({ kind: 'addresses', source, scope, addresses, fixed: false });
      }
      engine.presenter.source(viewOf(source));
    },
  });
}

function firstNotes(
  options: Options,
  warnings: readonly string[],
  keys: Keys,
  { dataFolder, keyFolder }: { readonly dataFolder: string; readonly keyFolder: string },
): string[] {
  const created = `A new identity was made. Its key is ${path.join(keyFolder, 'key.pem')}: keep a copy in a safe place.`;
  const stray = strayKeyNote(dataFolder, keyFolder);
  const made = keys.isNewIdentity ? [created, ...(stray === '' ? [] : [stray])] : [];
  return [...options.warnings, ...options.notes, ...warnings, ...made];
}

function lostKeyDetail(keyFolder: string, { identities }: Facts): string {
  return `The key folder ${keyFolder} was empty and the database is not: the new identity ${identities[0]} was made, and the old one can no longer sign. If that was not meant, stop the daemon and restore the key files.`;
}

/** Begins to look for peers on the local network. @param bound where the port for peers is open */
function lookAround(
  { options, facts, engine }: Opened,
  { env }: StartOptions,
  bound: Listening,
): LocalDiscovery {
  const local = createLocalDiscovery({
    ...{ options, env, facts, bound, runner: engine.runner },
    onChange: (state) => engine.presenter.localDiscovery(state),
  });
  void local.start(); // it never rejects, and says by its state how it goes
  return local;
}

async function start(given: StartOptions, undo: Undo): Promise<Daemon> {
  const { dataFolder } = given;
  const options = parseOptions(given.env, given.cwd);
  const { log, file } = createStartLog(options, given);
  undo.add(() => file?.close());
  makeFolder(dataFolder);
  const placed = await placeStore(dataFolder, options.storePath);
  undo.add(() => placed.discard());
  let running: Engine | undefined;
  const onDamaged = (): void => running?.scrubber.met();
  const keyFolder = options.keyFolder ?? path.join(dataFolder, 'keys');
  const verifier = createVerifier();
  const opening = { placed, options, dataFolder, keyFolder, log, verify: verifier.verify, onDamaged };
  const { store, notes, recovered, keysOf } = openPlaced(opening);
  undo.add(() => store.close());
  file?.open(); // the database is locked, so the folder is ours
  const keys = keysOf();
  const facts = createFacts(options, dataFolder, keys);
  notes.unshift(...firstNotes(options, verifier.warnings, keys, { dataFolder, keyFolder }));
  let watcher: BootstrapWatcher | undefined;
  let local: LocalDiscovery | undefined;
  const sources = () => watcher?.states() ?? [];
  const localDiscovery = () => local?.state ?? localDiscoveryBefore(options);
  const engine = createEngine({
    ...{ options, facts, log, store, keys, verifier, sources, localDiscovery },
    createCore: given.createCore,
    screen: createScreen(given),
    onFatal: (error) => {
      log.fatal(describeError(error), 'mistake in the program');
      engine.problems.add('internal', error instanceof Error ? error.message : String(error));
      void life.stop(1);
    },
    onStop: () => void life.stop(0),
  });
  running = engine;
  if (recovered !== undefined) engine.problems.add('store_recovered', recoveredText(recovered));
  if (placed.legacy !== undefined) engine.gate.legacy = new DatabaseHistory(placed.legacy, verifier.verify);
  const door = given.createDoor({ gate: engine.gate, log, version: facts.version, dataFolder });
  const parts: StopParts = {
    ...{ engine, door, store, log, dataFolder },
    watcher: () => watcher,
    local: () => local,
  };
  const life = createLife(parts, file);
  const opened: Opened = { options, facts, engine, door, log, store, notes };
  const bound = await listen(opened, undo);
  const { version } = facts;
  writeApiFile(dataFolder, {
    url: facts.listen.api,
    pid: process.pid,
    version,
    started: isoTime(facts.startedMs),
  });
  undo.add(() => removeApiFile(dataFolder));
  if (keys.isNewIdentity && hasHistory(store))
    engine.problems.add('key_unreadable', lostKeyDetail(keyFolder, facts));
  const lastRunMs = store.restore().clockMs; // before the core writes another time over it
  beginCore(opened, bound.port);
  watcher = watchBootstrap(
    opened,
    (source) => sources().find((view) => view.source === source) as SourceView,
  );
  local = lookAround(opened, given, bound);
  engine.presenter.started(notes);
  engine.room.start();
  engine.machine.start(lastRunMs);
  engine.scrubber.start();
  engine.desk.start();
  return { gate: engine.gate, listen: facts.listen, stop: () => life.stop(0), ended: life.ended };
}

interface Life {
  /** @param code exit code, if nothing else has ended it before */
  stop(code: number): Promise<void>;
  readonly ended: Promise<number>;
}

function createLife(parts: StopParts, file: LogFile | undefined): Life {
  const { promise: ended, resolve } = Promise.withResolvers<number>();
  let stopping: Promise<void> | undefined;
  return {
    ended,
    stop: (code) => {
      stopping ??= runStop(parts).then((isClean) => {
        file?.close();
        resolve(isClean ? code : 1);
      });
      return stopping;
    },
  };
}

/**
 * Starts a daemon; it runs until {@link Daemon.stop} or a mistake in the program ends it.
 * @throws MeshError with a code that says what stopped the start: `bad_option`, `data_folder`, `store_locked`,
 *   `store_newer`, `store_damaged`, `store_failed`, `key_unreadable`, `key_exposed`, `port_in_use`, `out_of_files`
 */
export async function startDaemon(options: StartOptions): Promise<Daemon> {
  process.umask(0o077); // whatever the daemon creates is its user's alone
  const undo = new Undo();
  try {
    const [stdout, stderr] = [createOutlet(options.stdout), createOutlet(options.stderr)];
    return await start({ ...options, stdout, stderr }, undo);
  } catch (error) {
    const failure = startFailure(error);
    await undo.run();
    recordFailure(options.dataFolder, failure);
    throw failure;
  }
}
