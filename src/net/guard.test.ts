import net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MeshError } from '../core/errors.ts';
import { describeError, literalProblem, lookupGuard, meshErrorIn, type Resolve } from './guard.ts';

/** A name server that gives the next answer at each question, as a rebinding attacker's does. */
function answers(...list: readonly (readonly string[])[]): Resolve & { asked: number } {
  const resolve = Object.assign(
    ((_host, _options, done) => {
      const found = list[Math.min(resolve.asked++, list.length - 1)] ?? [];
      queueMicrotask(() =>
        done(
          null,
          found.map((address) => ({ address, family: net.isIP(address) })),
        ),
      );
    }) satisfies Resolve,
    { asked: 0 },
  );
  return resolve;
}

function look(guard: net.LookupFunction, all: boolean): Promise<unknown> {
  return new Promise((resolve, reject) => {
    guard('peer.example', { all }, (error, address, family) =>
      error ? reject(error) : resolve(all ? address : [address, family]),
    );
  });
}

describe('the lookup guard', () => {
  it.each([
    ['public', '127.0.0.1'],
    ['public', '10.1.2.3'],
    ['public', '169.254.169.254'],
    ['public', '::1'],
    ['public', '::ffff:192.168.0.1'],
    ['public', '0.0.0.0'],
    ['private', '127.0.0.1'],
    ['private', '::'],
  ] as const)('for %s targets refuses a name that leads to %s', async (min, ip) => {
    for (const all of [true, false]) {
      await expect(look(lookupGuard(min, answers([ip])), all)).rejects.toMatchObject({
        code: 'address_refused',
      });
    }
  });

  it('gives the allowed part of a mixed answer, in both forms of the callback', async () => {
    const mixed = answers(['127.0.0.1', '8.8.8.8', '10.0.0.1', '2606:4700::1']);
    expect(await look(lookupGuard('public', mixed), false)).toEqual(['8.8.8.8', 4]);
    expect(await look(lookupGuard('public', mixed), true)).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700::1', family: 6 },
    ]);
  });

  it('lets everything pass where loopback is allowed, and refuses an empty answer', async () => {
    expect(await look(lookupGuard('loopback', answers(['127.0.0.1'])), false)).toEqual(['127.0.0.1', 4]);
    await expect(look(lookupGuard('loopback', answers([])), false)).rejects.toThrow(MeshError);
  });

  it('passes on the error of the resolver', async () => {
    const broken: Resolve = (_host, _options, done) =>
      done(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), []);
    await expect(look(lookupGuard('public', broken), true)).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  it('stops a socket whose name was public a moment ago and is loopback now', async () => {
    let accepted = 0;
    const server = net.createServer(() => accepted++).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as net.AddressInfo;
    const rebinding = answers(['8.8.8.8'], ['127.0.0.1']);
    const guard = lookupGuard('public', rebinding);
    expect(await look(guard, false)).toEqual(['8.8.8.8', 4]);
    const error = await new Promise((resolve) => {
      net.connect({ host: 'peer.example', port, lookup: guard }).once('error', resolve);
    });
    expect(error).toMatchObject({ code: 'address_refused' });
    expect(rebinding.asked).toBe(2);
    expect(accepted).toBe(0);
  });
});

describe('a literal address', () => {
  it('is checked before connecting, because no lookup happens for it', () => {
    expect(literalProblem('127.0.0.1', 'public')?.code).toBe('address_refused');
    expect(literalProblem('[::1]', 'private')?.code).toBe('address_refused');
    expect(literalProblem('[::ffff:a00:1]', 'public')?.code).toBe('address_refused');
    expect(literalProblem('10.0.0.1', 'private')).toBeUndefined();
    expect(literalProblem('127.0.0.1', 'loopback')).toBeUndefined();
    expect(literalProblem('peer.example', 'public')).toBeUndefined();
  });
});

describe('an error', () => {
  it('gives the MeshError inside it', () => {
    const inner = new MeshError('address_refused');
    expect(meshErrorIn(new Error('outer', { cause: new Error('middle', { cause: inner }) }))).toBe(inner);
    expect(meshErrorIn(new Error('plain'))).toBeUndefined();
    expect(meshErrorIn('text')).toBeUndefined();
  });

  it('is described on one short line', () => {
    const refused = Object.assign(new Error('connect\nECONNREFUSED'), { code: 'ECONNREFUSED' });
    expect(describeError(refused)).toBe('ECONNREFUSED connect ECONNREFUSED');
    expect(describeError(new AggregateError([refused]))).toBe('ECONNREFUSED connect ECONNREFUSED');
    expect(describeError('x'.repeat(1000))).toHaveLength(200);
  });
});
