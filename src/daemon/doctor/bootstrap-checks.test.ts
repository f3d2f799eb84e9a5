import fs from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkBootstrap, explainFailure } from './bootstrap-checks.ts';
import { deadPid, NOW_MS, running, subjectOf, tempFolder } from './testing/subject.ts';

const LIST = JSON.stringify({ version: 1, peers: [{ peer_id: 'a', ws_url: 'ws://127.0.0.1:5000' }] });
const EMPTY = JSON.stringify({ version: 1, peers: [] });

/** A list server on 127.0.0.1 for one test; counts what it is asked. */
async function serve(listener: RequestListener): Promise<{ url: string; asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked++;
    listener(request, response);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/list.json`, asked: () => asked };
}

const json =
  (body: string, dateMs = NOW_MS): RequestListener =>
  (_request, response) =>
    void response
      .setHeader('Date', new Date(dateMs).toUTCString())
      .setHeader('Content-Type', 'application/json')
      .end(body);

async function check(sources: string, system = {}) {
  const subject = await subjectOf(tempFolder(), {
    env: { MESH_BOOTSTRAP_URL: sources },
    system: { wallMs: () => NOW_MS, ...system },
  });
  return checkBootstrap(subject);
}

describe('a bootstrap list', () => {
  it('that is valid is told with its addresses, asked once, and gives the clock of its server', async () => {
    const { url, asked } = await serve(json(LIST));
    const { findings, references, addresses } = await check(url);
    expect(findings).toMatchObject([{ state: 'ok', what: `The list ${url} is valid and names 1 address.` }]);
    expect(references).toEqual([{ host: new URL(url).host, aheadMs: 0 }]);
    expect([addresses, asked()]).toEqual([1, 1]);
  });

  it('that names nobody is valid', async () => {
    const { url } = await serve(json(EMPTY));
    expect((await check(url)).findings).toMatchObject([
      { state: 'ok', what: expect.stringContaining('names nobody') },
    ]);
  });

  it('whose server has a wrong clock says so beside what it answers', async () => {
    const { url } = await serve(json(LIST, NOW_MS - 3_600_000));
    const { references } = await check(url);
    expect(references[0]?.aheadMs).toBe(3_599_000);
  });

  it('that fails is told in words, with what to do', async () => {
    const broken = await serve((_request, response) => void response.writeHead(500).end('no'));
    const garbage = await serve(json('{"peers": 5'));
    const gone = broken.url.replace(/:\d+/, ':1');
    const file = path.join(tempFolder(), 'list.json');
    const { findings } = await check([broken.url, garbage.url, gone, file].join());
    expect(findings.map(({ state }) => state)).toEqual(Array(4).fill('fail'));
    expect(findings.every(({ mend }) => mend.length > 20)).toBe(true);
    const words = findings.map(({ what }) => what);
    expect(words[0]).toContain('the server has a fault (HTTP status 500)');
    expect(words[1]).toContain('is not valid: the document is not JSON');
    expect(words[2]).toContain('nothing listens at 127.0.0.1:1 (ECONNREFUSED');
    expect(words[3]).toContain('there is no such file (ENOENT');
  });

  it('whose server hangs is given up in time', async () => {
    const { url } = await serve(() => undefined);
    const { findings, references } = await check(url, { timeoutMs: 300 });
    expect(findings).toMatchObject([
      {
        state: 'fail',
        what: expect.stringContaining('there was no answer in time (no answer within 300 ms)'),
      },
    ]);
    expect(references).toEqual([]);
  });

  it.each([
    ['HTTP status 404', 'no such page', 'the path of the URL'],
    ['HTTP status 403', 'does not hand it to us', 'operator'],
    ['HTTP status 418', 'something else', 'operator'],
    ['ENOTFOUND getaddrinfo ENOTFOUND a.example', 'there is no host a.example', 'spelling'],
    ['EAI_AGAIN getaddrinfo EAI_AGAIN a.example', 'name server of this machine', 'network'],
    ['EHOSTUNREACH connect EHOSTUNREACH', 'no way leads to a.example', 'network'],
    ['ECONNRESET read ECONNRESET', 'cut the connection', 'network'],
    ['CERT_HAS_EXPIRED certificate has expired', 'no certificate that counts', 'clock'],
    ['ERR_SSL_WRONG_VERSION_NUMBER x:SSL routines', 'no TLS', 'http://'],
    ['EACCES: permission denied', 'may not read', 'readable'],
    ['something new', 'could not be fetched (something new)', 'network'],
  ])('that fails with %s', (detail, what, mend) => {
    const result = { ok: false, code: 'bootstrap_unreachable', detail } as const;
    const found = explainFailure('https://a.example/list.json', result);
    expect(found.what).toContain(what);
    expect(found.mend).toContain(mend);
  });

  it('that leads to an internal host is not asked', () => {
    const result = { ok: false, code: 'address_refused', detail: 'a.example leads to 10.0.0.1.' } as const;
    expect(explainFailure('https://a.example/', result).mend).toContain('MESH_ALLOW_PRIVATE=1');
  });

  it('of the running daemon is asked, and not those of the options', async () => {
    const [own, other] = [await serve(json(LIST)), await serve(json(EMPTY))];
    const subject = await subjectOf(tempFolder(), { env: { MESH_BOOTSTRAP_URL: other.url } });
    const source = { source: own.url, state: 'waiting', peers: 0, code: null, detail: '', at: null } as const;
    const { findings } = await checkBootstrap(running(subject, { sources: [source] }));
    expect(findings).toMatchObject([{ state: 'ok' }]);
    expect([own.asked(), other.asked()]).toEqual([1, 0]);
  });

  it('is not asked where none is configured, nor the default one where the option cannot be used', async () => {
    expect((await check('')).findings).toMatchObject([
      { state: 'skipped', what: expect.stringContaining('No bootstrap') },
    ]);
    expect((await check('http://user:pw@127.0.0.1:1/')).findings).toMatchObject([
      { state: 'skipped', what: expect.stringContaining('MESH_BOOTSTRAP_URL cannot be used') },
    ]);
  });

  it('that a dead daemon asked is not asked for it: the options count', async () => {
    const { url, asked } = await serve(json(LIST));
    const folder = tempFolder();
    fs.writeFileSync(
      path.join(folder, 'api.json'),
      JSON.stringify({ url: 'http://127.0.0.1:1', pid: deadPid() }),
    );
    const subject = await subjectOf(folder, { env: { MESH_BOOTSTRAP_URL: url } });
    expect(subject.presence.kind).toBe('stale');
    await checkBootstrap(subject);
    expect(asked()).toBe(1);
  });
});
