/**
 * The parts of a daemon that work together while it runs: core, runner, sockets, what clients wait for, and the gate.
 * Composition only; nothing is opened here.
 */
import { randomBytes } from 'node:crypto';
import type { Bytes } from '../core/bytes.ts';
import { MeshError } from '../core/errors.ts';
import { Peer } from '../core/peer.ts';
import type { PeerConfig, PeerSnapshot } from '../core/peer-types.ts';
import { sha256, type Verifier } from '../crypto/index.ts';
import type { LinkNet } from '../net/index.ts';
import type { SqliteStore } from '../store/index.ts';
import { Commands, Waits } from './commands.ts';
import { DaemonGate, type GateParts } from './daemon-gate.ts';
import type { Desk } from './desk/desk.ts';
import { whyView } from './explain/why.ts';
import { Feeds } from './feed.ts';
import type { Gate, LocalDiscoveryView, SourceView } from './gate.ts';
import type { Keys } from './keys.ts';
import { createSockets } from './link-port.ts';
import { MachineWatch } from './machine-watch.ts';
import { processFacts } from './metrics.ts';
import type { Options } from './options.ts';
import { Presenter } from './presenter.ts';
import { Problems } from './problems.ts';
import { Room } from './room.ts';
import { type Listeners, type Log, Runner } from './runner.ts';
import type { Screen } from './screen.ts';
import { Scrubber } from './scrubber.ts';
import type { DaemonCore } from './start-options.ts';
import { bootstrapDocument, channelViews, type Facts, statusView } from './status.ts';
import { systemClock, systemLater } from './system.ts';
import { Taps } from './tap/taps.ts';

export interface EngineParts {
  readonly options: Options;
  readonly facts: Facts;
  readonly log: Log;
  readonly screen: Screen | undefined;
  readonly store: SqliteStore;
  readonly keys: Keys;
  readonly verifier: Verifier;
  readonly sources: () => readonly SourceView[];
  readonly localDiscovery: () => LocalDiscoveryView;
  readonly onFatal: (error: unknown) => void;
  /** a client wants the daemon to end */
  readonly onStop: () => void;
  readonly createCore: ((config: PeerConfig) => DaemonCore) | undefined;
}

export interface Engine {
  readonly gate: Gate;
  readonly desk: Desk;
  readonly runner: Runner;
  readonly net: LinkNet;
  readonly presenter: Presenter;
  readonly problems: Problems;
  readonly room: Room;
  readonly machine: MachineWatch;
  readonly scrubber: Scrubber;
  /** Ends what clients follow or wait for; publishes in progress go on. */
  closeFollowers(): void;
  /** Refuses commands from now on, and those that were not answered. */
  closeCommands(): void;
}

const wallMs = (): number => systemClock().wallMs;

function coreConfig({ options, facts }: EngineParts): PeerConfig {
  return {
    network: facts.network,
    peerId: facts.peer,
    instance: new Uint8Array(randomBytes(8)),
    seed: new Uint8Array(randomBytes(32)),
    sha256,
    agent: `openclaw-messaging/${facts.version}`,
    allowPrivate: options.allowPrivate,
    banThreshold: options.banThreshold,
    known: options.known,
    rates: options.rates,
    retention: options.retention,
    publicUrl: options.publicUrl,
    mayRelay: options.relay !== 'never',
    mesh1: options.mesh1,
    sealLoopback: options.sealLoopback,
  };
}

function signWith(keys: Keys): (key: string, data: Bytes) => Bytes {
  const signers = new Map([
    ['peer', keys.peer],
    ...keys.identities.map((signer) => [signer.id, signer] as const),
  ]);
  return (key, data) => {
    const signer = signers.get(key);
    if (signer === undefined) throw new Error(`the core signs with a key that is not here: ${key}`);
    return signer.sign(data);
  };
}

interface Heard {
  readonly commands: Commands;
  readonly waits: Waits;
  readonly feeds: Feeds;
  readonly problems: Problems;
  readonly room: Room;
  readonly presenter: Presenter;
  readonly onCommit: () => void;
}

function createListeners(
  { commands, waits, feeds, problems, room, presenter, onCommit }: Heard,
  parts: EngineParts,
): Listeners {
  return {
    onReply: (request, reply) => {
      if (reply.kind === 'failed' && reply.code === 'store_full') room.refused();
      commands.answer(request, reply);
    },
    onDelivery: (id, state) => waits.tell(id, state),
    onEphemeral: (message, isOwn) => feeds.tell(message, isOwn),
    onCommit: () => {
      feeds.wake();
      onCommit();
    },
    onReport: (report) => {
      presenter.report(report);
      if (report.code === 'store_full') return room.look();
      if (report.level !== 'error') return;
      const details = Object.entries(report.data).map(([name, value]) => `${name} ${value}`);
      problems.add(report.code ?? 'internal', `${report.phrase} (${details.join(', ')})`);
    },
    onStoreTrouble: (error) => {
      if (error !== undefined) problems.add(error.code, error.detail);
      else if (problems.solve('store_failed'))
        presenter.note('database works again', 'The database works again.');
    },
    onFatal: parts.onFatal,
  };
}

function deskParts({ store, options }: EngineParts, problems: Problems): GateParts['desk'] {
  return {
    inbox: store.inbox,
    budget: options.budget,
    ageMsMax: options.wakeAgeMs,
    later: systemLater,
    onSpent: (isSpent) => {
      if (isSpent) problems.add('turns_spent', 'What is held back stands in "mesh inbox".');
      else problems.solve('turns_spent');
    },
    onTrouble: (error) => {
      if (error !== undefined) problems.add(error.code, error.detail);
      else problems.solve('store_failed');
    },
  };
}

function createRoom(problems: Problems, presenter: Presenter, snapshot: () => PeerSnapshot): Room {
  return new Room({
    isFull: () => snapshot().isFull,
    problems,
    later: systemLater,
    onRoom: () => presenter.note('sending works again', 'There is room for messages again.'),
  });
}

function createScrubber(
  { store, verifier, options, log }: EngineParts,
  problems: Problems,
  onDamaged: () => void,
): Scrubber {
  const { verify } = verifier;
  const periodMs = options.scrubMs;
  return new Scrubber({ store, verify, periodMs, problems, wallMs, later: systemLater, log, onDamaged });
}

function createTaps({ facts }: EngineParts, core: DaemonCore): Taps {
  return new Taps({
    network: facts.network,
    sha256,
    wallMs,
    peerOf: (link) => core.peerOf(link),
    links: () => core.snapshot(systemClock()).links.length,
  });
}

/** Puts the parts together. */
export function createEngine(parts: EngineParts): Engine {
  const { facts, log, store, screen, sources, localDiscovery } = parts;
  const { retention, trustProxy } = parts.options;
  const core = parts.createCore?.(coreConfig(parts)) ?? new Peer(coreConfig(parts));
  const snapshot = (): PeerSnapshot => core.snapshot(systemClock());
  const currentProblems = () => {
    room.look();
    return problems.list;
  };
  const scrub = () => scrubber.view();
  const about = { facts, store, retention, snapshot, sources, localDiscovery, scrub };
  const status = () => statusView({ ...about, problems: currentProblems });
  const shown = { log, screen, status, snapshot, sources };
  const presenter = new Presenter({ ...shown, later: systemLater, clock: systemClock });
  const problems = new Problems(wallMs, (problem) => presenter.problem(problem));
  const room = createRoom(problems, presenter, snapshot);
  const commands = new Commands();
  const waits = new Waits();
  const feeds = new Feeds(store, wallMs);
  const taps = createTaps(parts, core);
  const { net, port } = createSockets({
    taps,
    onEvent: (event) => runner.submit(event),
    bootstrapDocument: (asker) => bootstrapDocument(snapshot(), facts.peer, wallMs(), asker),
    trustProxy,
  });
  const runner: Runner = new Runner({
    core,
    store,
    links: port,
    verify: parts.verifier.verify,
    sign: signWith(parts.keys),
    clock: systemClock,
    later: systemLater,
    listeners: createListeners(
      { commands, waits, feeds, problems, room, presenter, onCommit: () => gate.agent.look() },
      parts,
    ),
    log,
  });
  const gate: DaemonGate = new DaemonGate({
    ...{ store, commands, waits, feeds, taps, wallMs, snapshot, status },
    submit: (event) => runner.submit(event),
    identities: facts.identities,
    channels: () => channelViews({ store, snapshot, retention }),
    scrub: () => scrubber.ask(),
    stop: parts.onStop,
    numbers: () => ({ net: net.stats(), process: processFacts() }),
    why: (id, agent) => whyView({ core, store, clock: systemClock, peer: facts.peer, agent }, id),
    map: (channel) => ({ overview: core.overview(channel, systemClock()), peer: facts.peer }),
    desk: deskParts(parts, problems),
  });
  const scrubber = createScrubber(parts, problems, () => runner.submit({ kind: 'damaged' }));
  return {
    ...{ gate, scrubber, runner, net },
    desk: gate.agent,
    presenter,
    problems,
    room,
    machine: new MachineWatch({ problems, clock: systemClock, later: systemLater }),
    closeFollowers: () => {
      gate.agent.close();
      taps.close();
      feeds.close();
      waits.close(new MeshError('stopping'));
    },
    closeCommands: () => commands.close(),
  };
}
