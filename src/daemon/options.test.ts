import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { toBase64url } from '../core/bytes.ts';
import { MeshError } from '../core/errors.ts';
import { DAY, LIMITS, MiB } from '../core/limits.ts';
import { authorOf } from '../core/message/message.fixture.ts';
import { DEFAULT_BOOTSTRAP_URL, OPTION_NAMES, OPTION_TABLE, type OptionRow } from './option-table.ts';
import { parseOptions, shippedBootstrapFile } from './options.ts';

const cwd = path.resolve('/somewhere');
const parse = (env: Record<string, string>) => parseOptions(env, cwd);

function mistake(env: Record<string, string>): string {
  try {
    parse(env);
  } catch (error) {
    if (error instanceof MeshError && error.code === 'bad_option') return error.detail;
    throw error;
  }
  return '';
}

describe('the options', () => {
  it('have the defaults of the table', () => {
    expect(parse({})).toEqual({
      dataFolder: undefined,
      storePath: undefined,
      keyFolder: undefined,
      peerPort: { port: 5000, fixed: false },
      apiPort: { port: 5001, fixed: false },
      host: '0.0.0.0',
      peers: [],
      network: 'openclaw',
      allowPrivate: false,
      relay: 'auto',
      mesh1: true,
      sealLoopback: false,
      scrubMs: 7 * 86_400_000,
      bootstrap: [DEFAULT_BOOTSTRAP_URL, shippedBootstrapFile()],
      localDiscovery: 'auto',
      isHosted: false,
      logLevel: 'info',
      logLevelFixed: false,
      logFiles: 5,
      logFileBytes: 8 * MiB,
      rates: {
        ...{ leafPerSecond: 50, relayPerSecond: 2000, authorPerSecond: 5, authorBurst: 50 },
        ...{ commonPerSecond: 1000, commonBurst: 2000 },
      },
      retention: {
        joined: { ageMs: 90 * DAY, messages: 1_000_000, bytes: 1024 * MiB },
        carried: { ageMs: 7 * DAY, bytes: 64 * MiB },
        carriedBytesAll: 1024 * MiB,
        newcomerBytes: 64 * MiB,
        bytesAll: 4096 * MiB,
      },
      budget: { contactHour: 30, contactDay: 120, channelHour: 60, channelDay: 240, hops: 10 },
      wakeAgeMs: 7 * DAY,
      publicUrl: '',
      trustProxy: 0,
      known: new Set(),
      banThreshold: LIMITS.banThreshold,
      bootstrapPort: { port: 4000, fixed: false },
      bootstrapFile: shippedBootstrapFile(),
      warnings: [],
      notes: [],
    });
  });

  it('let a channel cost twice what a contact may, unless something else is set', () => {
    expect(parse({ MESH_TURNS_HOUR: '3', MESH_TURNS_DAY: '5', MESH_TURNS_CHANNEL_DAY: '4' }).budget).toEqual({
      ...{ contactHour: 3, contactDay: 5, channelHour: 6, channelDay: 4, hops: 10 },
    });
  });

  it('have a row with words for everything in the table', () => {
    for (const name of OPTION_NAMES) {
      const row: OptionRow = OPTION_TABLE[name];
      expect(row.what, name).toMatch(/^[A-Z].*\.$/);
      for (const words of [row.type, row.allowed, row.fallback, row.origin]) expect(words, name).not.toBe('');
    }
  });

  it('count an empty variable as unset, except MESH_BOOTSTRAP_URL, which then means none', () => {
    const empty = Object.fromEntries(OPTION_NAMES.map((name) => [name, ' ']));
    expect(parse(empty)).toEqual({ ...parse({}), bootstrap: [] });
  });

  it('take PORT before MESH_PEER_PORT and know which ports were set', () => {
    const options = parse({ PORT: '80', MESH_PEER_PORT: '81', MESH_API_PORT: '0' });
    expect(options.peerPort).toEqual({ port: 80, fixed: true });
    expect(options.apiPort).toEqual({ port: 0, fixed: true });
    expect(parse({ MESH_PEER_PORT: '5000' }).peerPort).toEqual({ port: 5000, fixed: true });
  });

  it('bring peers into their one spelling, with ws:// before host:port, each once', () => {
    const peers = ' one.example:5000, ws://ONE.example:5000 ,wss://two.example,[::1]:7, ';
    expect(parse({ MESH_PEERS: peers }).peers).toEqual([
      'ws://one.example:5000/',
      'wss://two.example/',
      'ws://[::1]:7/',
    ]);
  });

  it('resolve relative paths and files, and leave URLs', () => {
    const options = parse({
      MESH_DATA_DIR: 'd',
      MESH_STORE_PATH: '~/s.db',
      MESH_BOOTSTRAP_URL: 'https://a.example/b.json, lists/c.json',
    });
    expect(options.dataFolder).toBe(path.join(cwd, 'd'));
    expect(options.storePath).toBe(path.join(os.homedir(), 's.db'));
    expect(options.bootstrap).toEqual(['https://a.example/b.json', path.join(cwd, 'lists', 'c.json')]);
  });

  it.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['MESH_PEER_PORT', '5e3'],
    ['MESH_API_PORT', '5001.5'],
    ['HOST', 'not a host'],
    ['HOST', '1.2.3'],
    ['MESH_PEERS', 'http://a.example'],
    ['MESH_PEERS', 'a.example'],
    ['MESH_NETWORK', 'Open_Claw'],
    ['MESH_NETWORK', 'a'.repeat(33)],
    ['MESH_ALLOW_PRIVATE', 'maybe'],
    ['MESH_BOOTSTRAP_URL', 'ftp://a.example/x'],
    ['MESH_LOG_LEVEL', 'loud'],
    ['MESH_BAN_THRESHOLD', '1000001'],
    ['MESH_TURNS_HOUR', '-1'],
    ['MESH_TURNS_CHANNEL_DAY', '1000001'],
    ['MESH_HOPS', '0'],
    ['MESH_WAKE_DAYS', '0'],
    ['MESH_RATE_LEAF', '-1'],
    ['MESH_RATE_RELAY', '1.5'],
    ['MESH_RATE_AUTHOR', '1000001'],
    ['MESH_RATE_COMMON', 'none'],
    ['MESH_KEEP_DAYS', '0'],
    ['MESH_KEEP_DAYS', '36501'],
    ['MESH_KEEP_MESSAGES', '0'],
    ['MESH_KEEP_BYTES', '1M'],
    ['MESH_CARRY_DAYS', '7d'],
    ['MESH_CARRY_BYTES', '1023KiB'],
    ['MESH_CARRY_BYTES_ALL', '1.5GiB'],
    ['MESH_STORE_BYTES', '1025TiB'],
    ['MESH_PUBLIC_URL', 'https://a.example/'],
    ['MESH_PUBLIC_URL', 'a.example:5000'],
    ['MESH_TRUST_PROXY', '9'],
    ['MESH_TRUST_PROXY', 'true'],
    ['MESH_BOOTSTRAP_PORT', 'x'],
    ['MESH_BOOTSTRAP_FILE', 'a\0b'],
  ])('refuse %s=%j and say what it got and what is allowed', (name, text) => {
    const detail = mistake({ [name]: text });
    expect(detail).toContain(`${name} is ${JSON.stringify(text)}, allowed: `);
    expect(detail.split('allowed: ')[1]?.length).toBeGreaterThan(3);
  });

  it.each([
    ['MESH_PEERS', 'ws://anna:s3cret@a.example', 'ws://***@a.example'],
    ['MESH_PEERS', 'ws://b.example, http://a.example/?token=s3cret', 'ws://b.example, http://a.example/?***'],
    ['MESH_BOOTSTRAP_URL', 'https://anna:s3cret@a.example/x?token=s3cret', 'https://***@a.example/x?***'],
    ['MESH_PUBLIC_URL', 'wss://anna:s3cret@a.example/', 'wss://***@a.example/'],
    ['HOST', 'anna:s3cret@a.example', '***@a.example'],
  ])('refuse %s=%j without the secrets in it', (name, text, shown) => {
    const detail = mistake({ [name]: text });
    expect(detail).toContain(`${name} is "${shown}", allowed: `);
    expect(detail).not.toMatch(/anna|s3cret/);
  });

  it('name all mistakes at once', () => {
    const detail = mistake({ PORT: 'x', MESH_NETWORK: '?', MESH_LOG_LEVEL: 'y' });
    for (const name of ['PORT', 'MESH_NETWORK', 'MESH_LOG_LEVEL']) expect(detail).toContain(`${name} is `);
  });

  it('refuse one port for two listeners', () => {
    expect(mistake({ PORT: '7000', MESH_API_PORT: '7000' })).toContain(
      'PORT and MESH_API_PORT are both 7000',
    );
    expect(mistake({ PORT: '0', MESH_API_PORT: '0' })).toBe('');
    expect(mistake({ PORT: '7001', MESH_PEER_PORT: '7000', MESH_API_PORT: '7000' })).toBe('');
  });

  it('take what is kept from days, messages and sizes, and write every default as it can be set', () => {
    const { retention } = parse({
      ...{ MESH_KEEP_DAYS: '30', MESH_KEEP_MESSAGES: '5', MESH_KEEP_BYTES: '500MB', MESH_CARRY_DAYS: '1' },
      ...{ MESH_CARRY_BYTES: '2 MiB', MESH_CARRY_BYTES_ALL: '1gib', MESH_STORE_BYTES: '1073741824' },
      MESH_NEWCOMER_BYTES: '5MiB',
    });
    expect(retention).toEqual({
      joined: { ageMs: 30 * DAY, messages: 5, bytes: 5e8 },
      carried: { ageMs: DAY, bytes: 2 * MiB },
      carriedBytesAll: 2 ** 30,
      newcomerBytes: 5 * MiB,
      bytesAll: 2 ** 30,
    });
    const written = OPTION_NAMES.filter((name) =>
      /^MESH_(?:RATE|KEEP|CARRY|NEWCOMER|STORE_BYTES)/.test(name),
    ).map((name) => [name, OPTION_TABLE[name].fallback.split(',')[0] as string]);
    expect(written).toHaveLength(12);
    expect({ ...parse(Object.fromEntries(written)) }).toEqual(parse({}));
  });

  it('lower the defaults below a small MESH_STORE_BYTES, and refuse a limit above the one around it', () => {
    const { joined, carried, carriedBytesAll, newcomerBytes } = parse({
      MESH_STORE_BYTES: '20MiB',
    }).retention;
    expect([joined.bytes, carried.bytes, carriedBytesAll, newcomerBytes]).toEqual(Array(4).fill(20 * MiB));
    expect(mistake({ MESH_CARRY_BYTES_ALL: '5GiB' })).toBe(
      'MESH_CARRY_BYTES_ALL is 5GiB, allowed: at most MESH_STORE_BYTES, which is 4GiB.',
    );
    expect(mistake({ MESH_KEEP_BYTES: '2GiB', MESH_STORE_BYTES: '500MB' })).toBe(
      'MESH_KEEP_BYTES is 2GiB, allowed: at most MESH_STORE_BYTES, which is 500000000.',
    );
    expect(mistake({ MESH_NEWCOMER_BYTES: '2GiB' })).toContain('at most MESH_CARRY_BYTES_ALL, which is 1GiB');
    expect(mistake({ MESH_CARRY_BYTES: '2GiB' })).toContain('at most MESH_CARRY_BYTES_ALL, which is 1GiB');
  });

  it('take the peers that have a full mailbox as ids, and nothing else', () => {
    const [a, b] = [1, 2].map((n) => toBase64url(authorOf(`peer ${n}`).publicKey)) as [string, string];
    expect(parse({ MESH_MAILBOX_FULL: ` ${a},${b},${a},` }).known).toEqual(new Set([a, b]));
    const many = Array(LIMITS.mailboxesMax + 1).fill(a);
    for (const wrong of [a.slice(1), `${a}=`, `${a} ${b}`, 'ws://a.example:1', many.join()])
      expect(mistake({ MESH_MAILBOX_FULL: wrong })).toContain('peer ids of 43 characters');
  });

  it('take the public address in its one spelling, on Railway from its domain, and say so', () => {
    const domain = { RAILWAY_PUBLIC_DOMAIN: 'mesh.up.railway.app' };
    expect(parse({ MESH_PUBLIC_URL: 'WSS://A.example:443', ...domain })).toMatchObject({
      publicUrl: 'wss://a.example/',
      notes: [],
    });
    const { publicUrl, notes } = parse(domain);
    expect(publicUrl).toBe('wss://mesh.up.railway.app/');
    expect(notes).toEqual([expect.stringMatching(/wss:\/\/mesh\.up\.railway\.app\/.*RAILWAY_PUBLIC_DOMAIN/)]);
    for (const text of ['https://x.example', 'x.example/y', '1.2.3.4', 'a b', 'a\u0007'])
      expect(parse({ RAILWAY_PUBLIC_DOMAIN: text })).toMatchObject({
        publicUrl: '',
        notes: [expect.stringContaining('no host name')],
      });
    expect(parse({ RAILWAY_PUBLIC_DOMAIN: ' ' }).notes).toEqual([]);
    expect(parse({ MESH_TRUST_PROXY: '2' }).trustProxy).toBe(2);
  });

  it('switch local discovery, and know a hosting platform by its variables', () => {
    for (const mode of ['auto', 'on', 'off'] as const)
      expect(parse({ MESH_LOCAL_DISCOVERY: mode }).localDiscovery).toBe(mode);
    expect(mistake({ MESH_LOCAL_DISCOVERY: '1' })).toBe(
      'MESH_LOCAL_DISCOVERY is "1", allowed: one of auto, on, off.',
    );
    expect(parse({ RAILWAY_SERVICE_ID: 'x' }).isHosted).toBe(true);
  });

  it('warn of a misspelt variable and leave foreign ones alone', () => {
    const { warnings } = parse({ MESH_PEER: 'a.example:1', MESH_TOPOLOGY: 'x' });
    expect(warnings).toEqual(['MESH_PEER is set and no option; did you mean MESH_PEERS?']);
  });
});
