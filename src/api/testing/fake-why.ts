/** Explanations of every kind, and what a tap can show: for tests of the API and of the words of the command line. */
import type { HereView, MissingView, PathView, TapItem, WhyView } from '../../daemon/index.ts';
import { inboxRow } from './fake-agent.ts';

const id = (letter: string): string => `${letter.repeat(42)}E`;
export const [OWN_PEER, NEAR, FAR, LOST] = ['O', 'N', 'F', 'L'].map(id) as [string, string, string, string];
export const NOW = '2026-11-20T12:00:00.000Z';
/** Seconds from {@link NOW}. */
export const at = (seconds: number): string => new Date(Date.parse(NOW) + seconds * 1000).toISOString();

export const NEXT = { addresses: 3, url: 'ws://near/', at: at(12), lastError: 'ECONNREFUSED' } as const;
export const KEEPER = { peer: NEAR, standing: 'home' } as const;

export const MISSING = {
  nothing: { kind: 'nothing' },
  expired: { kind: 'expired', at: at(-60) },
  'no-link': { kind: 'no-link', next: NEXT },
  'no-relay': {
    kind: 'no-relay',
    leaves: [FAR, LOST],
    moreLeaves: 1,
    next: { addresses: 0, url: null, at: null, lastError: null },
  },
  confirmation: { kind: 'confirmation', keeper: KEEPER, pushed: at(-4), again: at(6) },
  turn: { kind: 'turn', keeper: { peer: NEAR, standing: 'dialled' }, unconfirmed: 512 },
} as const satisfies { readonly [K in MissingView['kind']]: Extract<MissingView, { kind: K }> };

export const HERE = {
  held: { state: 'held', arrival: 17 },
  wanted: { state: 'wanted', arrival: 17, fetching: 'tried', next: at(60), links: null },
  dropped: { state: 'dropped', arrival: 17 },
  deleted: { state: 'deleted', arrival: 17 },
  expired: { state: 'expired', arrival: 17 },
  passed: { state: 'passed', because: 'not-held' },
  refused: { state: 'refused', reason: 'forged', peer: NEAR, at: at(-2) },
} as const satisfies { readonly [K in HereView['state']]: Extract<HereView, { state: K }> };

const relay = { depth: 0, interested: false, own: false, linked: false, url: null };

export const RELAY_PATH: Extract<PathView, { kind: 'relay' }> = {
  kind: 'relay',
  root: { peer: OWN_PEER, basis: 'own', known: true },
  relays: [
    { ...relay, peer: OWN_PEER, parent: null, own: true, interested: true },
    { ...relay, peer: NEAR, parent: OWN_PEER, depth: 1, linked: true, url: 'ws://near/' },
    { ...relay, peer: FAR, parent: NEAR, depth: 2, interested: true },
  ],
  moreRelays: 312,
  interested: 3,
  cut: [{ peer: LOST, url: 'ws://lost/', why: 'not-mutual' }],
  moreCut: 1,
  leaves: [{ peer: FAR, live: true }],
  moreLeaves: 2,
};

export const LEAF_PATH: Extract<PathView, { kind: 'leaf' }> = {
  kind: 'leaf',
  home: [
    { peer: NEAR, live: true, told: true, holds: true, keepsMailbox: true },
    { peer: FAR, live: false, told: true, holds: false, keepsMailbox: false },
    { peer: LOST, live: false, told: false, holds: false, keepsMailbox: false },
  ],
};

const statement = (letter: string) => ({ id: id(letter), bytes: 'qg', signature: 's'.repeat(86) });
export const EQUIVOCATION = { first: statement('M'), second: statement('P') };

const COMMON: WhyView = {
  id: id('M'),
  now: NOW,
  peer: OWN_PEER,
  role: 'relay',
  message: { channel: '#dev', author: id('A'), time: at(-30), expires: null },
  own: false,
  here: HERE.held,
  channel: { joined: true, held: true, since: at(-86_400) },
  came: { peer: NEAR, root: FAR, at: at(-29) },
  delivery: null,
  agent: { kind: 'no-agent' },
  equivocation: null,
  path: RELAY_PATH,
};

export function whyOf(changes: Partial<WhyView> = {}): WhyView {
  return { ...COMMON, ...changes };
}

export function ownWhy(
  missing: MissingView,
  changes: Partial<NonNullable<WhyView['delivery']>> = {},
): WhyView {
  const state = missing.kind === 'nothing' ? 'stored' : 'queued';
  const delivery = {
    state,
    storedBy: [],
    attempts: 0,
    firstAttempt: null,
    takenBy: [],
    moreTakers: 0,
  } as const;
  return whyOf({ own: true, came: null, agent: null, delivery: { ...delivery, missing, ...changes } });
}

/** One of each kind. */
export function allWhys(): WhyView[] {
  return [
    ...Object.values(MISSING).map((missing) => ownWhy(missing)),
    ownWhy(MISSING.nothing, {
      storedBy: [
        { peer: NEAR, at: at(-1), standing: 'dialled-in' },
        { peer: FAR, at: null, standing: null },
      ],
      takenBy: [{ peer: NEAR, at: at(-2) }],
      moreTakers: 3,
      attempts: 2,
      firstAttempt: at(-12),
    }),
    ...Object.values(HERE).map((here) => whyOf({ here })),
    whyOf({ message: null, channel: null, path: null, came: null, agent: null, here: HERE.refused }),
    whyOf({ agent: { kind: 'inbox', row: inboxRow({ state: 'held', reason: 'too-old' }) } }),
    whyOf({ agent: { kind: 'passed-over', because: 'stranger' } }),
    whyOf({ agent: { kind: 'not-looked-at' } }),
    whyOf({ path: LEAF_PATH, role: 'leaf' }),
    whyOf({ equivocation: EQUIVOCATION }),
  ];
}

const onLink = { time: NOW, link: 3, peer: NEAR };

/** What a tap shows, one of each kind; the last one ends it. */
export const TAPPED: readonly TapItem[] = [
  { kind: 'begun', time: NOW, links: 2 },
  {
    kind: 'frame',
    protocol: 'mesh/2',
    ...onLink,
    ...{ direction: 'in', bytes: 412, type: 'push' },
    fields: {
      root: '',
      keep: true,
      messages: {
        count: 40,
        first: [{ id: id('M'), channel: '#dev', body: 'hello\n\u001b[2Jworld "x"', payloadBytes: 3 }],
      },
    },
  },
  {
    kind: 'frame',
    protocol: 'mesh/2',
    ...{ ...onLink, peer: null },
    ...{ direction: 'out', bytes: 80, type: 'auth' },
    fields: { url: 'ws://x/', signature: { bytes: 64, hex: 'a1b2c3d4' } },
  },
  {
    kind: 'refused',
    protocol: 'mesh/2',
    ...onLink,
    ...{ direction: 'in', bytes: 9, code: 'invalid_message', detail: 'a frame that is none', head: 'ff00' },
  },
  { kind: 'opened', ...onLink, peer: null, direction: 'out', url: 'ws://x/' },
  { kind: 'closed', ...onLink, by: 'them', code: null, reason: 'connection closed' },
  { kind: 'closed', ...onLink, by: 'us', code: 'banned', reason: 'too many offences' },
  { kind: 'lost', time: NOW, frames: 5, all: 12 },
  { kind: 'ended', time: NOW, reason: 'stopping' },
];
