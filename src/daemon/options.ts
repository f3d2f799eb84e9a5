/**
 * From the environment to options: every variable is checked against the table, all mistakes are told at once, and
 * contradictions stop the start. No option is a secret: URLs with user names or passwords are refused.
 */
import os from 'node:os';
import path from 'node:path';
import type { Budget } from '../core/contact/budget.ts';
import { MeshError } from '../core/errors.ts';
import { DAY, LIMITS } from '../core/limits.ts';
import type { Rates, RetentionLimits } from '../core/peer-types.ts';
import { canonicalPeerUrl } from '../net/address.ts';
import type { LocalDiscoveryMode } from '../net/local/interfaces.ts';
import { maskOption } from './masks.ts';
import {
  DEFAULT_BOOTSTRAP_URL,
  OPTION_NAMES,
  OPTION_TABLE,
  type OptionRow,
  type OptionValues,
  SHIPPED_BOOTSTRAP_FILE,
} from './option-table.ts';
import { isHostName, type LogLevel, type RelayChoice } from './option-values.ts';
import { retentionContradictions, retentionLimits } from './retention-options.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A port and whether the operator set it: one that was set never moves. */
export interface PortOption {
  /** 0 to 65535; 0 takes any free one */
  readonly port: number;
  readonly fixed: boolean;
}

export interface Options {
  /** `undefined`: the data folder's default */
  readonly dataFolder: string | undefined;
  readonly storePath: string | undefined;
  readonly keyFolder: string | undefined;
  readonly peerPort: PortOption;
  readonly apiPort: PortOption;
  readonly host: string;
  /** ws(s) URLs */
  readonly peers: readonly string[];
  readonly network: string;
  readonly allowPrivate: boolean;
  /** whether this peer may serve others as a relay; `auto`: not if it listens on loopback only */
  readonly relay: RelayChoice;
  /** link with mesh/1 peers too */
  readonly mesh1: boolean;
  /** seal links over loopback too */
  readonly sealLoopback: boolean;
  /** http(s) URLs and absolute paths or file URLs */
  readonly bootstrap: readonly string[];
  readonly localDiscovery: LocalDiscoveryMode;
  /** a hosting platform runs the daemon */
  readonly isHosted: boolean;
  readonly logLevel: LogLevel;
  /** true if MESH_LOG_LEVEL was set */
  readonly logLevelFixed: boolean;
  /** 0: no log on disk */
  readonly logFiles: number;
  /** of one file */
  readonly logFileBytes: number;
  readonly rates: Rates;
  readonly retention: RetentionLimits;
  /** what the agent may cost */
  readonly budget: Budget;
  /** an older message wakes no agent, ms */
  readonly wakeAgeMs: number;
  /** every stored message is checked once in this time, ms; 0 for never */
  readonly scrubMs: number;
  /** offences, 0 for never */
  /** peers that are no newcomers, whoever they are */
  readonly known: ReadonlySet<string>;
  readonly banThreshold: number;
  /** ws(s) URL under which others reach us, '' if nobody said */
  readonly publicUrl: string;
  /** trusted proxies before the port for peers */
  readonly trustProxy: number;
  readonly bootstrapPort: PortOption;
  /** absolute path */
  readonly bootstrapFile: string;
  /** one sentence for each MESH_ variable that is no option */
  readonly warnings: readonly string[];
  /** one sentence for each option that was taken from elsewhere */
  readonly notes: readonly string[];
}

/** The root of the checkout or package: where `website/` lies. */
export function packageRoot(): string {
  return path.resolve(import.meta.dirname, '..', '..');
}

/** Absolute path of the bootstrap list that ships: its content is the public's, not the operator's. */
export function shippedBootstrapFile(): string {
  return path.join(packageRoot(), SHIPPED_BOOTSTRAP_FILE);
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}

function readValues(env: Environment): { values: OptionValues; mistakes: string[] } {
  const values: Record<string, unknown> = {};
  const mistakes: string[] = [];
  for (const name of OPTION_NAMES) {
    const row: OptionRow = OPTION_TABLE[name];
    const text = env[name]?.trim();
    if (text === undefined || (text === '' && row.emptyCounts !== true)) continue;
    const parsed = row.schema.safeParse(text);
    if (parsed.success) values[name] = parsed.data;
    else
      mistakes.push(
        `${name} is ${quote(maskOption(text))}, allowed: ${parsed.error.issues[0]?.message ?? row.allowed}.`,
      );
  }
  return { values, mistakes };
}

function contradictions(values: OptionValues): string[] {
  const found: string[] = [];
  const peerName = values.PORT === undefined ? 'MESH_PEER_PORT' : 'PORT';
  const peer = values[peerName];
  if (peer !== undefined && peer !== 0 && peer === values.MESH_API_PORT)
    found.push(`${peerName} and MESH_API_PORT are both ${peer}, allowed: two different ports.`);
  if (values.MESH_STORE_PATH !== undefined && values.MESH_STORE_PATH === values.MESH_KEY_DIR)
    found.push(
      `MESH_STORE_PATH and MESH_KEY_DIR are both ${quote(values.MESH_STORE_PATH)}, allowed: a file and a folder.`,
    );
  return [...found, ...retentionContradictions(values)];
}

/** Number of single-character edits between two short words (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** A misspelt variable would otherwise be ignored without a word. Only close spellings are told: others may be foreign. */
function misspelt(env: Environment): string[] {
  const warnings: string[] = [];
  for (const name of Object.keys(env)) {
    if (!name.startsWith('MESH_') || Object.hasOwn(OPTION_TABLE, name)) continue;
    const near = OPTION_NAMES.find((option) => distance(name, option) <= 2);
    if (near !== undefined) warnings.push(`${name} is set and no option; did you mean ${near}?`);
  }
  return warnings;
}

function portOption(set: number | undefined, fallback: string): PortOption {
  return set === undefined ? { port: Number(fallback), fixed: false } : { port: set, fixed: true };
}

/** A leading `~/` is the home folder: shells do not expand it in `.env`. */
function resolvePath(file: string, cwd: string): string {
  return path.resolve(cwd, /^~[/\\]/.test(file) ? path.join(os.homedir(), file.slice(1)) : file);
}

function resolveSource(source: string, cwd: string): string {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(source) ? source : resolvePath(source, cwd);
}

function ratesOf(values: OptionValues): Rates {
  return {
    leafPerSecond: values.MESH_RATE_LEAF ?? LIMITS.leafPerSecond,
    relayPerSecond: values.MESH_RATE_RELAY ?? LIMITS.relayPerSecond,
    authorPerSecond: values.MESH_RATE_AUTHOR ?? LIMITS.authorPerSecond,
    authorBurst: LIMITS.authorBurst,
    commonPerSecond: values.MESH_RATE_COMMON ?? LIMITS.commonPerSecond,
    commonBurst: LIMITS.commonBurst,
  };
}

/** A channel may cost twice what one contact may: the defaults and what is set alike. */
function budgetOf(values: OptionValues): Budget {
  const contactHour = values.MESH_TURNS_HOUR ?? LIMITS.turnsContactHour;
  const contactDay = values.MESH_TURNS_DAY ?? LIMITS.turnsContactDay;
  return {
    contactHour,
    contactDay,
    channelHour: values.MESH_TURNS_CHANNEL_HOUR ?? 2 * contactHour,
    channelDay: values.MESH_TURNS_CHANNEL_DAY ?? 2 * contactDay,
    hops: values.MESH_HOPS ?? LIMITS.hopsMax,
  };
}

/** Where the operator named no address, Railway has: its edge takes `wss` at port 443 and passes it on to PORT. */
function publicUrlOf(values: OptionValues, env: Environment): { publicUrl: string; notes: string[] } {
  if (values.MESH_PUBLIC_URL !== undefined) return { publicUrl: values.MESH_PUBLIC_URL, notes: [] };
  const domain = env.RAILWAY_PUBLIC_DOMAIN?.trim() ?? '';
  if (domain === '') return { publicUrl: '', notes: [] };
  const publicUrl = isHostName(domain) ? canonicalPeerUrl(`wss://${domain}/`) : undefined;
  if (publicUrl === undefined) {
    const note = `RAILWAY_PUBLIC_DOMAIN is ${quote(maskOption(domain))}, which is no host name, so it is not used; MESH_PUBLIC_URL can name the address.`;
    return { publicUrl: '', notes: [note] };
  }
  const note = `Others reach this daemon at ${publicUrl}, says RAILWAY_PUBLIC_DOMAIN; MESH_PUBLIC_URL would come before it.`;
  return { publicUrl, notes: [note] };
}

/**
 * Reads the options out of `env`; an empty variable counts as unset, except MESH_BOOTSTRAP_URL.
 * @param cwd absolute folder that relative paths start from
 * @throws MeshError `bad_option` whose detail names each wrong variable, what it is and what is allowed
 */
export function parseOptions(env: Environment, cwd: string): Options {
  const { values, mistakes } = readValues(env);
  mistakes.push(...contradictions(values));
  if (mistakes.length > 0) throw new MeshError('bad_option', mistakes.join(' '));
  const absolute = (file: string | undefined) => (file === undefined ? undefined : resolvePath(file, cwd));
  const shipped = shippedBootstrapFile();
  return {
    dataFolder: absolute(values.MESH_DATA_DIR),
    storePath: absolute(values.MESH_STORE_PATH),
    keyFolder: absolute(values.MESH_KEY_DIR),
    peerPort: portOption(values.PORT ?? values.MESH_PEER_PORT, OPTION_TABLE.MESH_PEER_PORT.fallback),
    apiPort: portOption(values.MESH_API_PORT, OPTION_TABLE.MESH_API_PORT.fallback),
    host: values.HOST ?? OPTION_TABLE.HOST.fallback,
    peers: values.MESH_PEERS ?? [],
    network: values.MESH_NETWORK ?? OPTION_TABLE.MESH_NETWORK.fallback,
    allowPrivate: values.MESH_ALLOW_PRIVATE ?? false,
    relay: values.MESH_RELAY ?? OPTION_TABLE.MESH_RELAY.fallback,
    mesh1: values.MESH_MESH1 ?? true,
    sealLoopback: values.MESH_SEAL_LOOPBACK ?? false,
    bootstrap: values.MESH_BOOTSTRAP_URL?.map((source) => resolveSource(source, cwd)) ?? [
      DEFAULT_BOOTSTRAP_URL,
      shipped,
    ],
    localDiscovery: values.MESH_LOCAL_DISCOVERY ?? OPTION_TABLE.MESH_LOCAL_DISCOVERY.fallback,
    isHosted: Object.keys(env).some((name) => name.startsWith('RAILWAY_')),
    logLevel: values.MESH_LOG_LEVEL ?? OPTION_TABLE.MESH_LOG_LEVEL.fallback,
    logLevelFixed: values.MESH_LOG_LEVEL !== undefined,
    logFiles: values.MESH_LOG_FILES ?? LIMITS.logFiles,
    logFileBytes: values.MESH_LOG_FILE_BYTES ?? LIMITS.logFileBytes,
    rates: ratesOf(values),
    retention: retentionLimits(values),
    budget: budgetOf(values),
    wakeAgeMs: (values.MESH_WAKE_DAYS ?? LIMITS.wakeAgeMs / DAY) * DAY,
    scrubMs: (values.MESH_SCRUB_DAYS ?? LIMITS.scrubMs / DAY) * DAY,
    known: new Set(values.MESH_MAILBOX_FULL),
    banThreshold: values.MESH_BAN_THRESHOLD ?? LIMITS.banThreshold,
    trustProxy: values.MESH_TRUST_PROXY ?? Number(OPTION_TABLE.MESH_TRUST_PROXY.fallback),
    ...publicUrlOf(values, env),
    bootstrapPort: portOption(values.MESH_BOOTSTRAP_PORT, OPTION_TABLE.MESH_BOOTSTRAP_PORT.fallback),
    bootstrapFile: absolute(values.MESH_BOOTSTRAP_FILE) ?? shipped,
    warnings: misspelt(env),
  };
}
