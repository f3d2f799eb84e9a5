/** What `GET /v1/messages/{id}/why` answers, as `shapes.ts` has the others. */
import { z } from 'zod';
import { LIMITS } from '../../core/limits.ts';
import type {
  AgentWhyJson,
  DeliveryWhyJson,
  HereJson,
  KeeperJson,
  MissingJson,
  NextLinkJson,
  PathJson,
  PathRelayJson,
  StatementJson,
  WhyJson,
} from '../client/why-types.ts';
import { inboxRowShape } from './agent-shapes.ts';
import { id, shape, state, time, whole } from './shapes.ts';

const standing = z.enum(['home', 'dialled', 'dialled-in']);

const keeperShape = shape(
  'Keeper',
  z.object({
    peer: id().describe('who is asked to keep own messages'),
    standing: standing.describe(
      'why its word counts: it is our home relay; a relay at an address that was proven by dialling; a relay that dialled us, where there is no better one',
    ),
  }) satisfies z.ZodType<KeeperJson>,
);

const nextLinkShape = shape(
  'NextLink',
  z.object({
    addresses: whole().describe('addresses that are known and not linked'),
    url: z.string().nullable().describe('the one that is dialled next, or now; null for none'),
    at: time().nullable().describe('when; null while it is being dialled, and where there is none'),
    lastError: z.string().nullable().describe('why its last dial failed; null if none did'),
  }) satisfies z.ZodType<NextLinkJson>,
);

const missing = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('nothing') }),
  z.object({ kind: z.literal('expired'), at: time() }),
  z.object({ kind: z.literal('no-link'), next: nextLinkShape }),
  z.object({ kind: z.literal('no-relay'), leaves: z.array(id()), moreLeaves: whole(), next: nextLinkShape }),
  z.object({ kind: z.literal('confirmation'), keeper: keeperShape, pushed: time(), again: time() }),
  z.object({ kind: z.literal('turn'), keeper: keeperShape, unconfirmed: whole() }),
]) satisfies z.ZodType<MissingJson>;

const deliveryWhyShape = shape(
  'DeliveryWhy',
  z.object({
    state: state.describe('how far it has got'),
    storedBy: z
      .array(z.object({ peer: id(), at: time().nullable(), standing: standing.nullable() }))
      .describe('who said that it is on its disk; null where an earlier run of the daemon heard it'),
    attempts: whole().describe('times that it was handed to a keeper in this run'),
    firstAttempt: time().nullable().describe('the first of them, or null'),
    takenBy: z
      .array(z.object({ peer: id(), at: time() }))
      .describe(`peers whose links took it in this run; ${LIMITS.journeyTakersMax} at most`),
    moreTakers: whole().describe('how many more did'),
    missing: missing.describe(
      'what is missing for the next state: nothing; a link; a relay among the links; the word of the keeper that has it; its turn at the keeper. Or it has expired',
    ),
  }) satisfies z.ZodType<DeliveryWhyJson>,
);

const arrival = whole();
const here = z.discriminatedUnion('state', [
  z.object({ state: z.literal('held'), arrival }),
  z.object({
    state: z.literal('wanted'),
    arrival,
    fetching: z.enum(['asked', 'tried', 'not-yet']),
    next: time().nullable(),
    links: whole().nullable(),
  }),
  z.object({ state: z.literal('dropped'), arrival }),
  z.object({ state: z.literal('deleted'), arrival }),
  z.object({ state: z.literal('expired'), arrival }),
  z.object({
    state: z.literal('passed'),
    because: z.enum(['not-held', 'below-floor', 'no-room', 'not-yet']),
  }),
  z.object({
    state: z.literal('refused'),
    reason: z.enum(['future', 'expired', 'write-rule', 'forged', 'over-rate', 'superseded']),
    peer: id(),
    at: time(),
  }),
]) satisfies z.ZodType<HereJson>;

const agent = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('inbox'), row: inboxRowShape }),
  z.object({
    kind: z.literal('passed-over'),
    because: z.enum(['stranger', 'own', 'notice', 'before-wake', 'never', 'not-meant', 'rules-changed']),
  }),
  z.object({ kind: z.literal('not-looked-at') }),
  z.object({ kind: z.literal('no-agent') }),
]) satisfies z.ZodType<AgentWhyJson>;

const pathRelayShape = shape(
  'PathRelay',
  z.object({
    peer: id().describe('id of the relay'),
    parent: id().nullable().describe('the relay that passes messages to it; null for the root'),
    depth: whole().describe('hops from the root'),
    interested: z.boolean().describe('its interest record lists the channel'),
    own: z.boolean().describe('true for this daemon'),
    linked: z.boolean().describe('linked with this daemon'),
    url: z.string().nullable().describe('an address from its record, or null'),
  }) satisfies z.ZodType<PathRelayJson>,
);

const path = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('leaf'),
    home: z.array(
      z.object({
        peer: id(),
        live: z.boolean(),
        told: z.boolean(),
        holds: z.boolean(),
        keepsMailbox: z.boolean(),
      }),
    ),
  }),
  z.object({
    kind: z.literal('relay'),
    root: z.object({ peer: id(), basis: z.enum(['own', 'came', 'assumed']), known: z.boolean() }),
    relays: z.array(pathRelayShape),
    moreRelays: whole(),
    interested: whole(),
    cut: z.array(
      z.object({
        peer: id(),
        url: z.string().nullable(),
        why: z.enum(['no-record', 'not-mutual', 'apart', 'alone']),
      }),
    ),
    moreCut: whole(),
    leaves: z.array(z.object({ peer: id(), live: z.boolean() })),
    moreLeaves: whole(),
  }),
]) satisfies z.ZodType<PathJson>;

const statement = z.object({
  id: id().describe('id of the message'),
  bytes: z
    .string()
    .describe('the signed bytes, as base64url: what `docs/protocol/messages.md` calls the record'),
  signature: z.string().describe('base64url'),
}) satisfies z.ZodType<StatementJson>;

export const whyShape = shape(
  'Why',
  z.object({
    id: id().describe('the whole id of the message'),
    now: time().describe('when this was looked up'),
    peer: id().describe('id of this daemon as a peer'),
    role: z.enum(['relay', 'leaf']).describe('what it is'),
    message: z
      .object({ channel: z.string(), author: id(), time: time(), expires: time().nullable() })
      .nullable()
      .describe('null where only refused copies came'),
    own: z.boolean().describe('it was published here'),
    here: here.describe(
      'where it is in this daemon: with its content; put off, because its author writes too much at once; without its content, because the channel was over its limit; expired; only passed on lately; or refused',
    ),
    channel: z
      .object({ joined: z.boolean(), held: z.boolean(), since: time().nullable() })
      .nullable()
      .describe('how its channel is kept here, and since when it is complete'),
    came: z
      .object({ peer: id(), root: id().nullable(), at: time() })
      .nullable()
      .describe(
        'the first link that brought it, and the relay along whose tree it came, as far as that is remembered: for a while, and not over a restart',
      ),
    delivery: deliveryWhyShape.nullable().describe('of own messages'),
    agent: agent
      .nullable()
      .describe(
        'of held messages of others: what became of it for the agent, or why it was passed over by the rules as they are now',
      ),
    equivocation: z
      .object({ first: statement, second: statement })
      .nullable()
      .describe(
        'proof that its author has signed two messages that name the same one before, in this channel: others may have been shown another history. null if there is none here',
      ),
    path: path
      .nullable()
      .describe(
        `the way of the channel's messages. A relay tells the tree from the root to the relays that are interested, ${LIMITS.pathRelaysMax} at most, depth first, and those that no path leads to; a leaf knows its home relays only`,
      ),
  }) satisfies z.ZodType<WhyJson>,
);
