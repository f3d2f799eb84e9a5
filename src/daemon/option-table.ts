/**
 * The one option table. It gives the parser (`options.ts`), `env.example` and `docs/reference/configuration.md`; a test
 * compares the three. Names that mesh/1 knew are kept.
 */
import type { z } from 'zod';
import { DAY, LIMITS } from '../core/limits.ts';
import { byteSizeText } from './byte-size.ts';
import * as value from './option-values.ts';

export interface OptionRow<T = unknown> {
  /** how a value looks, for people */
  readonly type: string;
  /** unit of the value, '' where there is none */
  readonly unit: string;
  /** what is allowed, in words */
  readonly allowed: string;
  /** the default as it would be written, or in words where it depends */
  readonly fallback: string;
  /** where the default comes from */
  readonly origin: string;
  /** one sentence */
  readonly what: string;
  /** an empty value is a value and not the same as unset */
  readonly emptyCounts?: boolean;
  readonly schema: z.ZodType<T, string>;
}

/** The public list that a daemon asks unless told otherwise. */
export const DEFAULT_BOOTSTRAP_URL = 'https://open-claw-messaging-eyd7.vercel.app/bootstrap.json';
/** The list that ships with the package, relative to its root. */
export const SHIPPED_BOOTSTRAP_FILE = 'website/bootstrap.json';

const port = { type: 'number', unit: 'port', allowed: value.PORT_ALLOWED, schema: value.portValue } as const;
const rate = {
  type: 'number',
  unit: 'messages per second',
  allowed: value.RATE_ALLOWED,
  schema: value.rateValue,
} as const;
const days = { type: 'number', unit: 'days', allowed: value.DAYS_ALLOWED, schema: value.daysValue } as const;
const size = { type: 'size', unit: 'bytes', allowed: value.BYTES_ALLOWED, schema: value.bytesValue } as const;
const turns = {
  type: 'number',
  unit: 'turns',
  allowed: value.TURNS_ALLOWED,
  schema: value.turnsValue,
} as const;
const path = { type: 'path', unit: '', allowed: value.PATH_ALLOWED, schema: value.pathValue } as const;

export const OPTION_TABLE = {
  MESH_DATA_DIR: {
    ...path,
    fallback: './data in a checkout, else the user data folder of the platform',
    origin: 'design: one folder holds everything of a daemon',
    what: 'The data folder: keys, database, token and where the API listens; --data comes before it.',
  },
  MESH_STORE_PATH: {
    ...path,
    fallback: 'store.db in the data folder',
    origin: 'a name that mesh/1, with its mesh.db, did not use in the same folder',
    what: 'The database file, if it should lie elsewhere.',
  },
  MESH_KEY_DIR: {
    ...path,
    fallback: 'keys in the data folder',
    origin: 'mesh/1, which had no keys without it',
    what: 'The folder of key.pem and pub.pem (the identity) and peer.pem (the links); a key.pem of mesh/1 becomes the identity.',
  },
  PORT: {
    ...port,
    fallback: 'unset',
    origin: 'mesh/1; hosting platforms set it',
    what: 'The port for other peers; comes before MESH_PEER_PORT.',
  },
  MESH_PEER_PORT: {
    ...port,
    fallback: '5000',
    origin: 'mesh/1',
    what: 'The port for other peers; the default moves to the next free port if it is taken, a set one never moves.',
  },
  MESH_API_PORT: {
    ...port,
    fallback: '5001',
    origin: 'the port after the one for peers',
    what: 'The port of the API on 127.0.0.1; the default moves to the next free port if it is taken, a set one never moves.',
  },
  HOST: {
    type: 'text',
    unit: '',
    allowed: value.HOST_ALLOWED,
    schema: value.hostValue,
    fallback: '0.0.0.0',
    origin: 'mesh/1',
    what: 'The address that the port for other peers listens on; 127.0.0.1 keeps it on this machine.',
  },
  MESH_PEERS: {
    type: 'list',
    unit: 'addresses',
    allowed: value.PEERS_ALLOWED,
    schema: value.peersValue,
    fallback: 'none',
    origin: 'nobody is dialled unasked',
    what: 'Addresses that are always dialled, internal ones too.',
  },
  MESH_NETWORK: {
    type: 'text',
    unit: '',
    allowed: value.NETWORK_ALLOWED,
    schema: value.networkValue,
    fallback: 'openclaw',
    origin: 'design',
    what: 'The name of the network; daemons of different networks do not link, and signatures do not carry over.',
  },
  MESH_ALLOW_PRIVATE: {
    type: 'boolean',
    unit: '',
    allowed: value.BOOLEAN_ALLOWED,
    schema: value.booleanValue,
    fallback: '0',
    origin: 'design: lists and records cannot aim a daemon at internal hosts',
    what: 'Dial loopback and private addresses whoever names them.',
  },
  MESH_SEAL_LOOPBACK: {
    type: 'boolean',
    unit: '',
    allowed: value.BOOLEAN_ALLOWED,
    schema: value.booleanValue,
    fallback: '0',
    origin: 'design: links over ws:// are sealed, except on loopback',
    what: 'Seal links over loopback too: for a loopback address that leads into a tunnel.',
  },
  MESH_RELAY: {
    type: 'word',
    unit: '',
    allowed: value.RELAY_ALLOWED,
    schema: value.relayValue,
    fallback: 'auto',
    origin: 'design: who can be dialled is a relay',
    what: 'Whether this peer serves others as a relay: auto asks neighbours to dial back, unless HOST is a loopback address; always asks then too; never stays a leaf, whoever dials it.',
  },
  MESH_MESH1: {
    type: 'boolean',
    unit: '',
    allowed: value.BOOLEAN_ALLOWED,
    schema: value.booleanValue,
    fallback: '1',
    origin: 'design: mesh/2 still links with mesh/1',
    what: 'Link with mesh/1 peers too; they prove nothing of themselves, and only signed messages are taken from them.',
  },
  MESH_BOOTSTRAP_URL: {
    type: 'list',
    unit: 'URLs or files',
    allowed: value.SOURCES_ALLOWED,
    schema: value.sourcesValue,
    emptyCounts: true,
    fallback: `${DEFAULT_BOOTSTRAP_URL} and the ${SHIPPED_BOOTSTRAP_FILE} that ships`,
    origin: 'mesh/1',
    what: 'Bootstrap lists to ask for peers; nothing else is ever contacted unasked.',
  },
  MESH_LOCAL_DISCOVERY: {
    type: 'text',
    unit: '',
    allowed: value.LOCAL_DISCOVERY_ALLOWED,
    schema: value.localDiscoveryValue,
    fallback: 'auto',
    origin: 'design: off on public hosts',
    what: 'Find daemons of the same network on the local network by multicast DNS, and be found; auto does so where all addresses of the machine are private, and not in containers, on Railway, with a public MESH_PUBLIC_URL, or while HOST is a loopback address.',
  },
  MESH_LOG_LEVEL: {
    type: 'text',
    unit: '',
    allowed: `one of ${value.LOG_LEVELS.join(', ')}`,
    schema: value.logLevelValue,
    fallback: 'info',
    origin: 'guess: what an operator wants to see of a healthy daemon',
    what: 'What is logged as JSON lines: into the files that "mesh logs" reads, and on standard output, or beside a start screen on standard error if this is set.',
  },
  MESH_LOG_FILES: {
    type: 'number',
    unit: 'files',
    allowed: value.LOG_FILES_ALLOWED,
    schema: value.logFilesValue,
    fallback: String(LIMITS.logFiles),
    origin: 'guess (limits.ts)',
    what: 'How many files of the log are kept in the folder logs of the data folder; the oldest is deleted for a new one; 0 writes none.',
  },
  MESH_LOG_FILE_BYTES: {
    type: 'size',
    unit: 'bytes',
    allowed: value.LOG_BYTES_ALLOWED,
    schema: value.logBytesValue,
    fallback: byteSizeText(LIMITS.logFileBytes),
    origin: 'guess (limits.ts)',
    what: 'How large one file of the log may become.',
  },
  MESH_TURNS_HOUR: {
    ...turns,
    fallback: String(LIMITS.turnsContactHour),
    origin: 'guess (limits.ts)',
    what: 'Turns of the agent that one contact can cause within an hour; messages beyond it wake nobody.',
  },
  MESH_TURNS_DAY: {
    ...turns,
    fallback: String(LIMITS.turnsContactDay),
    origin: 'guess (limits.ts)',
    what: 'The same within a day.',
  },
  MESH_TURNS_CHANNEL_HOUR: {
    ...turns,
    fallback: 'twice MESH_TURNS_HOUR',
    origin: 'guess: a talk of several is still one talk',
    what: 'Turns of the agent that all contacts in one channel together can cause within an hour.',
  },
  MESH_TURNS_CHANNEL_DAY: {
    ...turns,
    fallback: 'twice MESH_TURNS_DAY',
    origin: 'guess: a talk of several is still one talk',
    what: 'The same within a day.',
  },
  MESH_HOPS: {
    type: 'number',
    unit: 'answers',
    allowed: value.HOPS_ALLOWED,
    schema: value.hopsValue,
    fallback: String(LIMITS.hopsMax),
    origin: 'guess (limits.ts)',
    what: 'Automatic answers in a row, as messages count them, after which a message wakes the agent no more.',
  },
  MESH_WAKE_DAYS: {
    ...days,
    fallback: String(LIMITS.wakeAgeMs / DAY),
    origin: 'design: as long as mailboxes keep messages',
    what: 'A message that is older than this when it comes is history and wakes no agent.',
  },
  MESH_BAN_THRESHOLD: {
    type: 'number',
    unit: 'offences',
    allowed: value.BAN_ALLOWED,
    schema: value.banValue,
    fallback: String(LIMITS.banThreshold),
    origin: 'guess (limits.ts)',
    what: 'Offences of one peer within an hour, over all its links, after which it is kept out for an hour; 0 never bans.',
  },
  MESH_RATE_LEAF: {
    ...rate,
    fallback: String(LIMITS.leafPerSecond),
    origin: 'design, section 9',
    what: 'Unasked messages that a leaf may push to us, ten seconds of it at once; 0 for no limit.',
  },
  MESH_RATE_RELAY: {
    ...rate,
    fallback: String(LIMITS.relayPerSecond),
    origin: 'design, section 9',
    what: 'Unasked messages that a relay may push to us, ten seconds of it at once; 0 for no limit.',
  },
  MESH_RATE_AUTHOR: {
    ...rate,
    fallback: String(LIMITS.authorPerSecond),
    origin: 'design, section 9',
    what: `Messages in open channels taken from one author, ${LIMITS.authorBurst} at once; what is above counts for MESH_RATE_COMMON; if either is 0, there is no limit.`,
  },
  MESH_RATE_COMMON: {
    ...rate,
    fallback: String(LIMITS.commonPerSecond),
    origin: 'design, section 9',
    what: `Messages in open channels taken from all authors together above their own rates, ${LIMITS.commonBurst} at once; what is above is put off and fetched later; if this or MESH_RATE_AUTHOR is 0, there is no limit.`,
  },
  MESH_KEEP_DAYS: {
    ...days,
    fallback: String(LIMITS.joinedMs / DAY),
    origin: 'design, section 8',
    what: 'How long messages of joined channels and own messages are kept; "mesh retention" sets it for one channel.',
  },
  MESH_KEEP_MESSAGES: {
    type: 'number',
    unit: 'messages',
    allowed: value.MESSAGES_ALLOWED,
    schema: value.messagesValue,
    fallback: String(LIMITS.joinedMessages),
    origin: 'design, section 8',
    what: 'How many messages of others are kept of one joined channel.',
  },
  MESH_KEEP_BYTES: {
    ...size,
    fallback: `${byteSizeText(LIMITS.joinedBytes)}, or MESH_STORE_BYTES if that is less`,
    origin: 'design, section 8',
    what: 'How much of others is kept of one joined channel.',
  },
  MESH_CARRY_DAYS: {
    ...days,
    fallback: String(LIMITS.carriedMs / DAY),
    origin: 'design, section 8',
    what: 'How long a channel that is not joined is carried after the last message sent to it from here, and after it was left.',
  },
  MESH_CARRY_BYTES: {
    ...size,
    fallback: `${byteSizeText(LIMITS.carriedBytes)}, or MESH_CARRY_BYTES_ALL if that is less`,
    origin: 'design, section 8',
    what: 'How much is kept of one channel that is only carried.',
  },
  MESH_CARRY_BYTES_ALL: {
    ...size,
    fallback: `${byteSizeText(LIMITS.carriedBytesAll)}, or MESH_STORE_BYTES if that is less`,
    origin: 'design, section 8',
    what: 'How much is kept of all channels that are only carried, together.',
  },
  MESH_NEWCOMER_BYTES: {
    ...size,
    fallback: `${byteSizeText(LIMITS.newcomerBytes)}, or MESH_CARRY_BYTES_ALL if that is less`,
    origin: 'design, section 6',
    what: 'How much of that is kept only for peers of one address group that have been linked for less than an hour; under pressure it goes first.',
  },
  MESH_MAILBOX_FULL: {
    type: 'list',
    unit: 'peer ids',
    allowed: value.PEER_IDS_ALLOWED,
    schema: value.peerIdsValue,
    fallback: 'none',
    origin: 'peer ids cost nothing: who is not named waits an hour',
    what: `Peers that at once have what others have after an hour of link time in all: a mailbox here with ${LIMITS.mailboxTagsFullMax} channels, which no newcomer takes from them.`,
  },
  MESH_STORE_BYTES: {
    ...size,
    fallback: byteSizeText(LIMITS.storeBytes),
    origin: 'design, section 8',
    what: 'How much is kept of everything; carried channels are pruned first, then joined ones by age, and where nothing more may go, sending is refused with store_full.',
  },
  MESH_SCRUB_DAYS: {
    type: 'number',
    unit: 'days',
    allowed: value.SCRUB_ALLOWED,
    schema: value.scrubValue,
    fallback: String(LIMITS.scrubMs / DAY),
    origin: 'design: about a week',
    what: 'In so many days every stored message is read and checked once, a few at a time; 0 leaves it to "mesh doctor --scrub".',
  },
  MESH_PUBLIC_URL: {
    type: 'URL',
    unit: '',
    allowed: value.PUBLIC_URL_ALLOWED,
    schema: value.publicUrlValue,
    fallback: 'on Railway wss:// and its RAILWAY_PUBLIC_DOMAIN, else none: what peers dialled is believed',
    origin: 'nobody can know the address before a proxy but its operator',
    what: 'The address under which others reach the port for peers, if it is behind a proxy or a forwarded port.',
  },
  MESH_TRUST_PROXY: {
    type: 'number',
    unit: 'proxies',
    allowed: value.PROXIES_ALLOWED,
    schema: value.proxiesValue,
    fallback: '0',
    origin: 'who trusts no proxy cannot be lied to by a header',
    what: 'How many proxies of yours stand before the port for peers, so that the address of a caller is taken from X-Forwarded-For; 0 takes it from the connection.',
  },
  MESH_BOOTSTRAP_PORT: {
    ...port,
    fallback: '4000',
    origin: 'mesh/1',
    what: 'The port on which "mesh bootstrap" serves its list.',
  },
  MESH_BOOTSTRAP_FILE: {
    ...path,
    fallback: SHIPPED_BOOTSTRAP_FILE,
    origin: 'mesh/1',
    what: 'The list that "mesh bootstrap" serves.',
  },
} as const satisfies Record<string, OptionRow>;

export type OptionName = keyof typeof OPTION_TABLE;
/** What was set, by name. */
export type OptionValues = {
  readonly [Name in OptionName]?: z.output<(typeof OPTION_TABLE)[Name]['schema']>;
};
export const OPTION_NAMES = Object.keys(OPTION_TABLE) as readonly OptionName[];
