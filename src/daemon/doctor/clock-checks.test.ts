import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkClock } from './clock-checks.ts';
import { aheadOf, collectDates } from './date-headers.ts';
import { NOW_MS, subjectOf, tempFolder } from './testing/subject.ts';

const date = (ms: number) => new Date(ms).toUTCString();

describe('the difference to a Date header', () => {
  it.each([
    ['the same second', 0, 0, 500, 0],
    ['the second that the header leaves out', 0, 999, 1500, 0],
    ['an answer that took long', 0, -4000, 1000, 0],
    ['a clock that is ahead', -60_000, 0, 100, 59_000],
    ['a clock that is behind', 60_000, 0, 100, -59_900],
    ['an hour ahead, slowly answered', -3_600_000, 0, 5000, 3_599_000],
  ])('of %s', (_name, dateMs, askedMs, answeredMs, expected) => {
    expect(aheadOf(date(NOW_MS + dateMs), undefined, NOW_MS + askedMs, NOW_MS + answeredMs)).toBe(expected);
  });

  it('takes what a cache kept for an hour, whether the cache dates it anew or not', () => {
    expect(aheadOf(date(NOW_MS - 3_600_000), '3600', NOW_MS, NOW_MS + 10)).toBe(0);
    expect(aheadOf(date(NOW_MS), '3600', NOW_MS, NOW_MS + 10)).toBe(0);
    expect(aheadOf(date(NOW_MS - 3_600_000), '60', NOW_MS, NOW_MS)).toBe(3_600_000 - 61_000);
  });

  it('is none without a readable header', () => {
    expect(aheadOf(undefined, undefined, 0, 0)).toBeUndefined();
    expect(aheadOf('yesterday', undefined, 0, 0)).toBeUndefined();
    expect(aheadOf(date(NOW_MS), '-5', NOW_MS, NOW_MS)).toBe(0);
  });

  it('is collected from answers with an error status too, and only while the work runs', async () => {
    const server = createServer((_request, response) => {
      response.setHeader('Date', date(NOW_MS)).writeHead(500).end();
    }).listen(0, '127.0.0.1');
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    await new Promise((resolve) => server.once('listening', resolve));
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ask = async () => (await request(`http://${host}/`)).body.dump();
    const { references } = await collectDates(() => NOW_MS + 90_000, ask);
    expect(references).toEqual([{ host, aheadMs: 89_000 }]);
    await ask();
    expect(references).toHaveLength(1);
  });
});

describe('the clock', () => {
  const check = async (...aheadMs: number[]) =>
    checkClock(
      await subjectOf(tempFolder(), { system: { platform: 'linux' } }),
      aheadMs.map((one, at) => ({ host: `host${at}`, aheadMs: one })),
    );

  it.each([
    [0, 'ok', 'agrees with that of host0 within 10 seconds'],
    [10_000, 'ok', ''],
    [-11_000, 'warn', '11 seconds behind that of host0'],
    [60_000, 'warn', '60 seconds ahead'],
    [61_000, 'fail', 'your messages stand below later ones'],
    [-61_000, 'fail', 'your answers stand above what they answer'],
    [700_000, 'fail', 'others do not take your messages before their time'],
    [-700_000, 'fail', 'messages of others are not taken before'],
  ])('%d ms ahead is %s', async (aheadMs, state, what) => {
    const found = await check(aheadMs);
    expect(found).toMatchObject({ check: 'clock', state, what: expect.stringContaining(what) });
    expect(found.command).toBe(state === 'ok' ? '' : 'sudo timedatectl set-ntp true');
  });

  it('is held against the closest of several, and not checked without any', async () => {
    expect((await check(-90_000, 2000)).state).toBe('ok');
    expect(await check()).toMatchObject({ state: 'skipped', what: expect.stringContaining('not checked') });
  });
});
