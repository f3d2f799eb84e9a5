import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bootstrapListSchema } from '../src/net/bootstrap-document.ts';
import { listProblems } from './list-problems.ts';

const LIST = path.resolve(import.meta.dirname, '..', 'website/bootstrap.json');
const SCHEMA = path.resolve(import.meta.dirname, '..', 'website/bootstrap.schema.json');
const ID = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
const OTHER = `${'A'.repeat(42)}E`;

const problems = (...peers: readonly unknown[]): string[] =>
  listProblems('list.json', new TextEncoder().encode(JSON.stringify({ version: 1, peers })));

describe('the list that ships', () => {
  it('has no mistake', () => {
    expect(listProblems('website/bootstrap.json', fs.readFileSync(LIST))).toEqual([]);
  });

  it('fits the schema that is published beside it', () => {
    const published = z.fromJSONSchema(JSON.parse(fs.readFileSync(SCHEMA, 'utf8')));
    const list = JSON.parse(fs.readFileSync(LIST, 'utf8'));
    expect(published.safeParse(list).error).toBeUndefined();
  });
});

describe('the published schema', () => {
  const published = z.fromJSONSchema(JSON.parse(fs.readFileSync(SCHEMA, 'utf8')));
  const entry = { peer_id: ID, ws_url: 'wss://relay.example.org/', capabilities: { relay: true } };

  it.each([
    [{ version: 1, peers: [] }, true],
    [{ version: 1, peers: [entry], updated_at: '2026-11-20', motd: 'hello' }, true],
    [{ version: 1, peers: [{ ...entry, note: 'ours' }] }, true],
    [{ version: 2, peers: [] }, false],
    [{ version: 1 }, false],
    [{ version: 1, peers: {} }, false],
    [{ version: 1, peers: [{ peer_id: ID }] }, false],
    [{ version: 1, peers: [{ ...entry, ws_url: '' }] }, false],
    [{ version: 1, peers: [{ ...entry, ws_url: `wss://${'a'.repeat(300)}` }] }, false],
    [{ version: 1, peers: [{ ...entry, peer_id: 7 }] }, false],
    [{ version: 1, peers: [{ ...entry, capabilities: { relay: 'yes' } }] }, false],
    [{ version: 1, peers: Array(1025).fill(entry) }, false],
    [{ version: 1, peers: [], updated_at: 'x'.repeat(65) }, false],
  ])('judges %.60j as the code does: %s', (list, fits) => {
    expect(published.safeParse(list).success).toBe(fits);
    expect(bootstrapListSchema.safeParse(list).success).toBe(fits);
  });
});

describe('the check of a list', () => {
  it('passes names and public addresses', () => {
    const right = problems(
      { peer_id: ID, ws_url: 'wss://relay.example.org/', capabilities: { relay: true, store: true } },
      { peer_id: OTHER, ws_url: 'ws://8.8.8.8:5000' },
    );
    expect(right).toEqual([]);
  });

  it.each([
    [
      { peer_id: ID, ws_url: 'ws://192.168.1.20:5000/' },
      'list.json: entry 1 ("ws://192.168.1.20:5000/"): "ws_url": 192.168.1.20 is a private address and was named by a public source. Everybody reads this list: write an address or a name that the whole internet reaches.',
    ],
    [
      { peer_id: ID, ws_url: 'https://relay.example.org/' },
      'list.json: entry 1 ("https://relay.example.org/"): "ws_url" does not begin with ws:// or wss://. Write the address that others dial, such as "wss://relay.example.org/".',
    ],
    [
      { peer_id: ID, ws_url: 'wss://relay.example.org:6667/' },
      'list.json: entry 1 ("wss://relay.example.org:6667/"): "ws_url": port 6667 belongs to another service. Let the peer listen on 443, 80, or a port from 1024 on that no other service owns.',
    ],
    [
      { peer_id: 'my-peer', ws_url: 'wss://relay.example.org/' },
      'list.json: entry 1 ("wss://relay.example.org/"): "peer_id" is not a key of 43 characters. Copy "peer_id" from the /bootstrap.json that your own peer serves.',
    ],
    [
      { peer_id: ID, url: 'wss://relay.example.org/' },
      'list.json: entry 1: "ws_url": Invalid input: expected string, received undefined. Write the address that others dial, such as "wss://relay.example.org/".',
    ],
    [
      { peer_id: ID, ws_url: 'wss://relay.example.org/', capabilities: { relay: 'yes' } },
      'list.json: entry 1 ("wss://relay.example.org/"): "capabilities.relay": Invalid input: expected boolean, received string. Write { "relay": true, "store": true }, or leave it out.',
    ],
    [
      'wss://relay.example.org/',
      'list.json: entry 1: the entry: Invalid input: expected object, received string. Copy the entry from the /bootstrap.json that your own peer serves.',
    ],
  ])('names file, entry, reason and remedy of %.60j', (entry, line) => {
    expect(problems(entry)).toEqual([line]);
  });

  it('names each of two entries that are the same peer or the same address', () => {
    const lines = problems(
      { peer_id: ID, ws_url: 'wss://relay.example.org' },
      { peer_id: OTHER, ws_url: 'WSS://relay.example.org:443/' },
      { peer_id: ID, ws_url: 'wss://other.example.org/' },
    );
    expect(lines).toEqual([
      'list.json: entry 2 ("WSS://relay.example.org:443/"): entry 1 has the same "ws_url". Keep one of the two.',
      'list.json: entry 3 ("wss://other.example.org/"): entry 1 has the same "peer_id". Keep one of the two.',
    ]);
  });

  it('says once that the list is full', () => {
    const peers = Array.from({ length: 1030 }, (_, at) => ({
      peer_id: Buffer.alloc(32, 0).fill(`${at}`).toString('base64url'),
      ws_url: `wss://relay${at}.example.org/`,
    }));
    const full = problems(...peers).filter((line) => line.includes('the list is full'));
    expect(full).toEqual([expect.stringMatching(/^list\.json: entry 1025 .*Remove peers that are gone\.$/)]);
  });

  it.each([
    ['{"version": 1, "peers": [}', /list\.json: the document is not JSON\. It has to be/],
    ['{"version": 2, "peers": []}', /list\.json: "version": .*\. It has to be/],
    ['{"version": 1}', /list\.json: "peers": .*\. It has to be/],
  ])('says what is wrong with %j as a whole', (text, line) => {
    expect(listProblems('list.json', new TextEncoder().encode(text))).toEqual([expect.stringMatching(line)]);
  });
});
