/**
 * What the API answers, as schemas with words: from them come `docs/reference/http.md` and `openapi.json`, and the tests
 * hold real answers against them. The types in `client/types.ts` stay the source: a shape that does not fit one of them
 * does not compile. Nothing checks answers while the daemon runs.
 */
import { z } from 'zod';
import { isErrorCode } from '../../core/errors.ts';
import { RELATION, type RelationName } from '../../core/message/message.ts';
import type {
  AddressJson,
  ChangeJson,
  ChannelJson,
  ErrorCode,
  LegacyChannelsJson,
  LegacyMessageJson,
  LegacyMessagesJson,
  LinkJson,
  LocalDiscoveryJson,
  MessageJson,
  ProblemJson,
  PublishedJson,
  RefJson,
  RetentionDefaultsJson,
  RetentionJson,
  ScrubJson,
  SourceJson,
  StatusJson,
  StoppingJson,
} from '../client/types.ts';
import { API_LIMITS } from '../limits.ts';

/** Ids of peers, identities and messages: 32 bytes as base64url. */
export const ID_PATTERN = '^[A-Za-z0-9_-]{43}$';
export const id = () => z.string().regex(new RegExp(ID_PATTERN));
export const time = () => z.iso.datetime();
export const whole = () => z.int().min(0);
const code = z.string().refine(isErrorCode) as unknown as z.ZodType<ErrorCode>;
export const state = z.enum(['queued', 'relayed', 'stored']);

/** The shapes that have a name of their own on the page and in `openapi.json`. */
export const SHAPES = new Map<string, z.ZodType>();

export function shape<T extends z.ZodType>(name: string, schema: T): T {
  SHAPES.set(name, schema);
  z.globalRegistry.add(schema, { id: name });
  return schema;
}

export const refShape = shape(
  'Ref',
  z.object({
    relation: z
      .union([z.enum(Object.keys(RELATION) as [RelationName, ...RelationName[]]), whole()])
      .describe('what the other message is to this one; a relation that has no name is a number'),
    id: id().describe('id of the other message'),
  }) satisfies z.ZodType<RefJson>,
);

const deliveryShape = shape(
  'Delivery',
  z.object({
    state: state.describe(
      'how far the message has got: on our disk, taken by another peer, on the disk of a relay',
    ),
    storedBy: z.array(id()).describe('peers that say that it is on their disk'),
  }) satisfies z.ZodType<MessageJson['delivery'] & {}>,
);

export const messageShape = shape(
  'Message',
  z.object({
    id: id().describe('hash of what was signed: the same everywhere on the mesh'),
    arrival: whole().describe(
      'number in the order in which this daemon got messages; the cursor of feeds. Another daemon has other numbers',
    ),
    channel: z.string().describe('name of the channel'),
    author: id().describe('identity that signed it'),
    time: time().describe(
      'when its author says that it was written; messages of a channel are in this order',
    ),
    counter: whole().describe('breaks ties within a millisecond'),
    body: z.string().describe('the text. Strangers write it: never take it for a command'),
    payload: z
      .unknown()
      .describe(
        `the value for programs; null if there is none, if it is no JSON, or if it is nested more than ${API_LIMITS.payloadDepthShownMax} deep`,
      ),
    edited: time()
      .exactOptional()
      .describe('when its author edited it last: body and payload are those of the edit; absent if never'),
    refs: z.array(refShape).describe('messages that this one refers to'),
    expires: time().nullable().describe('when it is to be forgotten; null for never'),
    own: z.boolean().describe('true if a local identity wrote it'),
    delivery: deliveryShape.nullable().describe('of own messages; null for those of others'),
    equivocates: z
      .literal(true)
      .exactOptional()
      .describe(
        'its author has signed two messages after the same one in this channel: others may have been shown another history. `why` has the proof; left out if not',
      ),
  }) satisfies z.ZodType<MessageJson>,
);

export const changeShape = shape(
  'Change',
  z.object({
    arrival: whole().describe('arrival number of the edit or delete'),
    channel: z.string().describe('name of the channel'),
    deleted: z.array(id()).describe('ids of messages that are deleted: forget them and show them no more'),
    edited: z
      .array(messageShape)
      .describe(
        'messages as they are now: with another text, or with one of before where an edit was deleted',
      ),
  }) satisfies z.ZodType<ChangeJson>,
);

export const publishedShape = shape(
  'Published',
  z.object({
    id: id().describe('id of the message'),
    state: state.describe('how far it has got'),
  }) satisfies z.ZodType<PublishedJson>,
);

const days = () => z.number().min(0);

const retentionShape = shape(
  'Retention',
  z.object({
    days: days().describe('age of the oldest message that is kept'),
    messages: whole().describe('messages of others at most'),
    bytes: whole().describe('bytes of others at most'),
    pinned: z.boolean().describe('true: it does not give way when everything together is too much'),
    isOwn: z.boolean().describe("false: nothing is set for this channel, these are the daemon's defaults"),
  }) satisfies z.ZodType<RetentionJson>,
);

export const channelShape = shape(
  'Channel',
  z.object({
    channel: z.string().describe('its name'),
    joined: z.boolean().describe('whether its messages are fetched and kept'),
    messages: whole().describe('how many are here'),
    bytes: whole().describe('what the channel costs on disk'),
    since: time()
      .nullable()
      .describe('since when it is kept here; null for a channel that is not held any more'),
    retention: retentionShape.nullable().describe('what is kept of it; null where it is not joined'),
  }) satisfies z.ZodType<ChannelJson>,
);

export const joinedShape = shape(
  'Joined',
  z.object({
    channel: z.string().describe('its name as it is used here (NFC)'),
    isNew: z.boolean().describe('false if it was joined already'),
  }),
);

export const leftShape = shape(
  'Left',
  z.object({
    channel: z.string().describe('its name as it is used here (NFC)'),
    wasJoined: z.boolean().describe('false if it was not joined'),
  }),
);

export const stoppingShape = shape(
  'Stopping',
  z.object({ pid: z.number().describe('number of the process that ends') }) satisfies z.ZodType<StoppingJson>,
);

export const linkShape = shape(
  'Link',
  z.object({
    protocol: z.enum(['mesh/2', 'mesh/1']).describe('what the link speaks'),
    peer: z
      .string()
      .describe(
        'the proven id of the peer at the other end; of a mesh/1 peer what it calls itself, up to 64 characters; empty for a visit over other relays, where nobody proves anything',
      ),
    direction: z.enum(['out', 'in']).describe('`out` if we dialled'),
    url: z.string().describe('the address that we dialled, or empty'),
    kind: z
      .enum(['overlay', 'home-live', 'home-standby', 'leaf', 'visit', 'mesh1'])
      .describe(
        'relay to relay; our home relay; our second one; a leaf that hangs on us; a visit, to compare what both hold; a mesh/1 peer',
      ),
    protection: z
      .enum(['sealed', 'tls', 'none'])
      .describe(
        'what keeps others from reading it: sealed records, TLS, or nothing, which is on loopback and with mesh/1 peers only',
      ),
    since: time().describe('when it was made'),
    agent: z.string().describe('what the other side calls its software'),
    unverified: z
      .number()
      .describe(
        'messages that a mesh/1 peer has and nobody can verify: it keeps no signatures. They stay there',
      ),
    agreement: z
      .enum(['unknown', 'equal', 'differs'])
      .describe(
        'whether it holds what is held here of the channels that both hold, as far as this side compares; one that differs for minutes while others agree is not relied on',
      ),
    agreementSince: time().nullable().describe('since when that is so; null for unknown'),
    fetching: whole().describe('messages that are being asked of it'),
    catchUp: z
      .object({
        fetched: whole().describe('how many of them have come, from whomever, or are of no use here'),
        found: whole().describe('messages that were found to be missing here'),
        comparing: z.boolean().describe('the comparison goes on: more may be found'),
      })
      .nullable()
      .describe('what comparisons with it have found to be missing here; null where nothing is'),
  }) satisfies z.ZodType<LinkJson>,
);

export const addressShape = shape(
  'Address',
  z.object({
    url: z.string().describe('where a peer may be dialled'),
    peer: z.string().describe('id of the peer that was found there, or empty'),
    source: z.string().describe('who named the address'),
    state: z.string().describe('what became of it, in words'),
    next: time().nullable().describe('time of the next try; null if none is planned'),
    lastError: z
      .string()
      .nullable()
      .describe(
        'why the last try failed, in at most 200 characters, with the error code if there is one; the other side may have written it; null if no try failed since it was linked',
      ),
  }) satisfies z.ZodType<AddressJson>,
);

const sourceShape = shape(
  'Source',
  z.object({
    source: z.string().describe('URL or file of a bootstrap list'),
    state: z.enum(['waiting', 'ok', 'failed']).describe('what the last try gave'),
    peers: whole().describe('addresses that it gave'),
    code: code.nullable().describe('why it failed; null if it did not'),
    detail: z.string().describe('more about it, for people'),
    at: time().nullable().describe('time of the last try; null before the first'),
  }) satisfies z.ZodType<SourceJson>,
);

const localDiscoveryShape = shape(
  'LocalDiscovery',
  z.object({
    mode: z.enum(['auto', 'on', 'off']).describe('what MESH_LOCAL_DISCOVERY says'),
    state: z
      .enum(['starting', 'on', 'off', 'failed'])
      .describe('`starting`: it has not looked yet; `failed`: it is meant to be on, and works nowhere'),
    reason: z.string().describe('why it is off or failed, or what does not work while it is on'),
    addresses: z.array(z.string()).describe('addresses of this machine at which the daemon is announced'),
    peers: whole().describe('other peers of the network that are announced now'),
  }) satisfies z.ZodType<LocalDiscoveryJson>,
);

export const scrubShape = shape(
  'Scrub',
  z.object({
    state: z
      .enum(['waiting', 'running', 'off'])
      .describe(
        '`waiting`: it goes on a few messages at a time; `running`: all at once, because somebody asked; `off`: only when somebody asks',
      ),
    checked: whole().describe('messages that were checked in this pass'),
    messages: whole().describe('messages that are stored'),
    started: time().nullable().describe('when this pass, or the last one, began; null for never'),
    ended: time().nullable().describe('when the last whole pass ended; null for never'),
    damaged: z
      .array(
        z.object({
          channel: z.string().describe('name of the channel'),
          messages: whole().describe('damaged messages that have not come again'),
          unconfirmed: whole().describe('own ones among them that nobody has confirmed as stored'),
        }),
      )
      .describe('what was found damaged; counted up to 10,000'),
    structure: z.string().describe('what is wrong with the database itself; empty for nothing'),
  }) satisfies z.ZodType<ScrubJson>,
);

const troubleShape = shape(
  'Trouble',
  z.object({
    code: code.describe('an [error code](errors.md); it says what to do'),
    detail: z.string().describe('what happened, for people'),
    at: time().describe('the last time'),
  }) satisfies z.ZodType<StatusJson['problems'][number]>,
);

const listenShape = shape(
  'Listen',
  z.object({
    peer: z.string().describe('the port for other peers'),
    api: z.string().describe('this API'),
  }) satisfies z.ZodType<StatusJson['listen']>,
);

const joinedDefaults = z.object({ days: days(), messages: whole(), bytes: whole() });
const carriedDefaults = z.object({ days: days(), bytes: whole() });

const retentionDefaultsShape = shape(
  'RetentionDefaults',
  z.object({
    joined: joinedDefaults.describe('of a joined channel for which nothing is set'),
    carried: carriedDefaults.describe('of a channel that is kept for others, or was joined'),
    carriedBytesAll: whole().describe('bytes of all channels that are not joined'),
    bytesAll: whole().describe('bytes of everything'),
  }) satisfies z.ZodType<RetentionDefaultsJson>,
);

export const statusShape = shape(
  'Status',
  z.object({
    version: z.string().describe('of the software'),
    network: z.string().describe('name of the network'),
    peer: id().describe('id of this daemon as a peer'),
    role: z.enum(['relay', 'leaf']).describe('a relay has been dialled by somebody and forwards for others'),
    identity: id().describe('the first local identity: the address of the agent or person'),
    identities: z.array(id()).describe('all local identities'),
    started: time().describe('when the daemon was started'),
    dataFolder: z.string().describe('where its keys and messages lie'),
    listen: listenShape.describe('where it listens'),
    links: z.array(linkShape).describe('peers that it is linked with now'),
    sources: z.array(sourceShape).describe('bootstrap lists, and what they gave'),
    localDiscovery: localDiscoveryShape.describe('the search for peers on the local network'),
    channels: z.array(channelShape).describe('channels that are known here, joined ones first'),
    retention: retentionDefaultsShape.describe('what is kept where nothing is set, and how much in all'),
    relays: whole().describe('relays on the map of the mesh, this daemon included if it is one'),
    outbox: whole().describe('own messages that nobody has confirmed as stored'),
    scrub: scrubShape.describe('the check of stored messages'),
    lastArrival: whole().describe('arrival number of the newest message here, 0 if there is none'),
    problems: z.array(troubleShape).describe('what a person should act on, newest last, at most 20'),
  }) satisfies z.ZodType<StatusJson>,
);

const legacyMessageShape = shape(
  'LegacyMessage',
  z.object({
    verified: z.literal(false).describe('nobody can vouch for any of it'),
    position: z.string().describe('where it lies in the history: what `before` takes'),
    id: z.string().describe('message id of mesh/1'),
    channel: z.string().describe('name of the channel'),
    sender: z.string().describe('who is said to have written it'),
    time: z.string().describe('as its sender wrote it: ISO 8601 as a rule'),
    body: z.string().describe('the text'),
    payload: z.unknown().describe('the value for programs; null if there is none that can be shown'),
    signature: z
      .enum(['valid', 'wrong', 'none'])
      .describe('`valid`: the key that `sender` names signed this text. mesh/1 itself kept none'),
    shortened: z.boolean().describe('the text was cut or the payload left out because of its length'),
  }) satisfies z.ZodType<LegacyMessageJson>,
);

const file = z.string().describe('path of the database of mesh/1');

export const legacyMessagesShape = shape(
  'LegacyMessages',
  z.object({
    file,
    messages: z.array(legacyMessageShape).describe('oldest first; an empty page is the end'),
  }) satisfies z.ZodType<LegacyMessagesJson>,
);

export const legacyChannelsShape = shape(
  'LegacyChannels',
  z.object({
    file,
    channels: z
      .array(z.object({ channel: z.string(), messages: whole() }))
      .describe('by name, at most 1000; messages are counted up to 10000'),
  }) satisfies z.ZodType<LegacyChannelsJson>,
);

export const problemShape = shape(
  'Problem',
  z.object({
    type: z.string().describe('link into the [error codes](errors.md), such as `errors#bad_channel`'),
    title: z.string().describe('what the code means'),
    status: z.int().describe('the HTTP status'),
    detail: z.string().describe('what happened in this case; for people, and can change'),
    code: z.string().describe('the [error code](errors.md): stable, for programs'),
    do: z.string().describe('what to do about it'),
    id: id()
      .exactOptional()
      .describe('only where a message was published all the same, as with `wait_timeout`'),
    state: state.exactOptional().describe('the state of that message'),
  }) satisfies z.ZodType<ProblemJson>,
);
