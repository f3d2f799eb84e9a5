/**
 * All malicious peers of the simulator in one process, over real sockets: `node attackers-main.ts ATTACK`, where ATTACK
 * is an {@link Attack} as JSON. Each is a whole daemon (real keys, handshakes, database) with the malice between its core
 * and its links. Once a second it writes a line of JSON: what each kind has done so far. It ends when its input does.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { createMessageContext } from '../../core/message/message.ts';
import { Peer } from '../../core/peer.ts';
import type { PeerConfig } from '../../core/peer-types.ts';
import { Random } from '../../core/random.ts';
import { privateKeyFromSeed, toPrivatePem } from '../../crypto/index.ts';
import { type Daemon, startDaemon } from '../../daemon/index.ts';
import type { DaemonCore } from '../../daemon/start-options.ts';
import { SimKey } from '../../sim/keys.ts';
import { MaliciousPeer } from '../../sim/malice/actor.ts';
import { Hand } from '../../sim/malice/hand.ts';
import { MALICE, type MaliceKind } from '../../sim/malice/index.ts';

export interface Attack {
  /** absolute path of a folder that is there */
  readonly folder: string;
  /** URLs of those who are attacked */
  readonly targets: readonly string[];
  readonly kinds: readonly MaliceKind[];
  /** how many of each kind */
  readonly each: number;
  /** that honest people use too */
  readonly channels: readonly string[];
  /** of what they draw; their keys are new each time */
  readonly seed: number;
}

/** By kind, what was done and how often. */
export type Deeds = Readonly<Record<string, Readonly<Record<string, number>>>>;

interface Attacker {
  readonly kind: MaliceKind;
  readonly name: string;
  readonly deeds: Map<string, number>;
}

function createCore(attack: Attack, attacker: Attacker, keys: readonly [SimKey, SimKey]) {
  return (config: PeerConfig): DaemonCore => {
    const core = new Peer({ ...config, banThreshold: 0 });
    const seed = Uint8Array.from({ length: 16 }, (_, i) => (attack.seed + i) & 255);
    const hand = new Hand({
      seed: attack.seed,
      name: attacker.name,
      messages: createMessageContext(config.network, config.sha256),
      random: new Random(seed),
      peerKey: keys[0],
      identityKey: keys[1],
      channels: attack.channels,
      deeds: attacker.deeds,
    });
    const malicious = new MaliciousPeer(core, hand, MALICE[attacker.kind]);
    return {
      handle: (event, now) => malicious.handle(event, now),
      peerOf: (link) => core.peerOf(link),
      overview: (channel, now) => core.overview(channel, now),
      explain: (question, now) => core.explain(question, now),
      recentIds: (prefix, limit) => core.recentIds(prefix, limit),
      snapshot: (now) => core.snapshot(now),
    };
  };
}

/** The keys of its folder, of which the malice knows the secret half too. */
function makeKeys(folder: string): readonly [SimKey, SimKey] {
  fs.mkdirSync(folder, { mode: 0o700 });
  const [peer, identity] = ['peer.pem', 'key.pem'].map((name) => {
    const secret = new Uint8Array(randomBytes(32));
    fs.writeFileSync(path.join(folder, name), toPrivatePem(privateKeyFromSeed(secret)), { mode: 0o600 });
    return new SimKey(secret);
  });
  return [peer as SimKey, identity as SimKey];
}

async function start(attack: Attack, attacker: Attacker): Promise<Daemon> {
  const dataFolder = path.join(attack.folder, attacker.name);
  const keys = makeKeys(dataFolder);
  const daemon = await startDaemon({
    dataFolder,
    env: {
      ...{ HOST: '127.0.0.1', MESH_PEER_PORT: '0', MESH_API_PORT: '0', MESH_BOOTSTRAP_URL: '' },
      MESH_PEERS: attack.targets.join(),
    },
    cwd: attack.folder,
    stdout: { write: () => undefined },
    stderr: { write: () => undefined },
    isTty: false,
    createDoor: () => ({
      listen: async () => ({ port: 1, moved: false }),
      drain: async () => undefined,
      close: async () => undefined,
    }),
    createCore: createCore(attack, attacker, keys),
  });
  for (const channel of attack.channels) await daemon.gate.join(channel);
  return daemon;
}

const attack = JSON.parse(process.argv[2] ?? '') as Attack;
const attackers: Attacker[] = attack.kinds.flatMap((kind) =>
  Array.from({ length: attack.each }, (_, i) => ({ kind, name: `${kind}-${i}`, deeds: new Map() })),
);
const daemons: Daemon[] = [];
for (const attacker of attackers) daemons.push(await start(attack, attacker));

function deeds(): Deeds {
  const all: Record<string, Record<string, number>> = {};
  for (const kind of attack.kinds) {
    const done: Record<string, number> = {};
    for (const attacker of attackers.filter((one) => one.kind === kind))
      for (const [what, times] of attacker.deeds) done[what] = (done[what] ?? 0) + times;
    all[kind] = done;
  }
  return all;
}

const telling = setInterval(() => process.stdout.write(`${JSON.stringify(deeds())}\n`), 1000);
process.stdin.resume().once('end', async () => {
  clearInterval(telling);
  await Promise.all(daemons.map((daemon) => daemon.stop()));
});
