/**
 * Forwarding under trouble: peers that come and go, a fifth of the relays dead at once, a tenth of them passing nothing
 * on. Whoever is connected gets everything soon, and nobody who runs is cut off for long.
 */
import type { Random } from '../../core/random.ts';
import { disseminationOf } from '../dissemination/index.ts';
import { startFaults } from '../faults.ts';
import { IsolationWatch } from '../isolation.ts';
import type { Hand } from '../malice/hand.ts';
import { type WithholderOptions, withholder } from '../malice/withholder.ts';
import { Promptness } from '../promptness.ts';
import { demand, type Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { addForwarding, type Forwarding, form, startTalks } from './forwarding.ts';

const TALK_MS = 120_000;
/** talk before anything is wrong: what it costs is the measure */
const CALM_MS = 30_000;
/** until what was late is over, and a minute of the clock with it */
const AFTER_MS = 70_000;
/** share of what is due that must be there within 1, 5, 15 and 60 s */
const SHARES_MIN = [0.9, 0.99, 0.999, 1] as const;
/** Copies for each delivery, times those while nothing was wrong. */
const COPIES_MAX = 1.3;
const CHURN_PER_MINUTE = 0.05;
const DOWN_MS = [5000, 60_000] as const;

interface Stage {
  readonly world: World;
  readonly random: Random;
  readonly cast: Forwarding;
  readonly watch: IsolationWatch;
}

type Options = Parameters<typeof addForwarding>[2] & { readonly talkMs?: number };

function play(world: World, options: Options, trouble: (stage: Stage) => void): Stage {
  const { talkMs = TALK_MS } = options;
  const random = world.random('trouble');
  const cast = addForwarding(world, random, options);
  const watch = new IsolationWatch(world);
  const promptness = new Promptness(world);
  form(world, random, cast);
  const talk = (durationMs: number): void => {
    startTalks(world, random, cast, durationMs, (name, channel, body) =>
      promptness.publish(name, channel, body, watch.isConnected),
    );
    watch.run(durationMs);
  };
  talk(CALM_MS);
  const troubleMs = world.nowMs;
  const dissemination = disseminationOf(world);
  dissemination.group(({ askedMs }) => (askedMs < troubleMs ? 'calm' : 'trouble'));
  const stage = { world, random, cast, watch };
  trouble(stage);
  talk(talkMs);
  watch.run(AFTER_MS);
  demandCopies(world);
  const { due, shares, words, missing } = promptness.figures();
  world.notes.push(words);
  const isSoon = shares.every((share, i) => share >= (SHARES_MIN[i] as number));
  demand(world, due > 0 && isSoon, `${words}; missing ${missing.slice(0, 5).join(', ')}`);
  return stage;
}

function demandCopies(world: World): void {
  const [calm, trouble] = ['calm', 'trouble'].map(
    (group) => disseminationOf(world).figuresOf(group).copiesPerDelivery,
  ) as [number, number];
  const words = `copies for each delivery: ${trouble}, and ${calm} while nothing was wrong`;
  world.notes.push(words);
  demand(world, trouble <= COPIES_MAX * calm, words);
}

/** Peers stop, one after the other, and come back a while later. */
function startChurn({ world }: Stage, durationMs: number): void {
  const everyMs = 60_000 / (CHURN_PER_MINUTE * world.hosts().length);
  startFaults(world, {
    ...{ durationMs, everyMs: [0, 2 * everyMs], downMs: DOWN_MS },
    ...{ downShareMax: 1, kinds: ['killed', 'power'] },
  });
}

const ISOLATED_MAX_MS = 30_000;

function demandNobodyAlone({ world, watch }: Stage): void {
  const { ms, words } = watch.longest;
  world.notes.push(`cut off for longest: ${Math.round(ms / 1000)} s${ms > 0 ? `, ${words}` : ''}`);
  demand(world, ms <= ISOLATED_MAX_MS, `somebody was cut off for ${Math.round(ms / 1000)} s: ${words}`);
}

function playChurn(world: World, peers: number, talkMs: number): void {
  demandNobodyAlone(play(world, { peers, talkMs }, (stage) => startChurn(stage, talkMs + AFTER_MS)));
}

export const churn: Scenario = {
  name: 'churn',
  about: 'a twentieth of all peers comes and goes every minute: nobody is alone for long, messages arrive',
  peers: 90,
  run(world, { peers }) {
    playChurn(world, peers, TALK_MS);
  },
};

export const churnHour: Scenario = {
  name: 'churn-hour',
  about: 'churn for an hour',
  peers: 150,
  run(world, { peers }) {
    playChurn(world, peers, 60 * 60_000);
  },
};

export const dying: Scenario = {
  name: 'dying',
  about: 'a fifth of the relays dies at once, silently or not, in the middle of talk',
  peers: 90,
  run(world, { peers }) {
    const stage = play(world, { peers }, ({ world, random, cast }) => {
      const dying = random.shuffle(cast.relays).slice(0, Math.round(cast.relays.length / 5));
      const how = world.network.seed % 2 === 0 ? 'power' : 'killed';
      world.network.schedule.after(TALK_MS / 4, () => {
        for (const name of dying) world.crash(name, how);
      });
    });
    demandNobodyAlone(stage);
  },
};

const DROPS: WithholderOptions = { of: 'all others', asked: 'answers', tunnels: 'drops' };

export const droppers: Scenario = {
  name: 'droppers',
  about: 'a tenth of the relays passes nothing on',
  peers: 90,
  run(world, { peers }) {
    const dropper = { malice: 'withholder', createMalice: (hand: Hand) => withholder(hand, DROPS) } as const;
    play(world, { peers, droppers: 0.1, dropper }, () => undefined);
  },
};
