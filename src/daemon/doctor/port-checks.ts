/**
 * Checks of the two ports. While the daemon runs: does it answer where it says that it listens? While it does not: could
 * it listen there? That is tried for a moment, since only the system knows; whoever connects in that moment is cut.
 */
import http from 'node:http';
import net from 'node:net';
import { type Finding, fail, type Mend, ok, skipped, warn } from './finding.ts';
import { listenersOf, processName } from './proc.ts';
import { type Subject, statusOf } from './subject.ts';

const API_HOST = '127.0.0.1';

interface Port {
  readonly check: 'peer-port' | 'api-port';
  /** for sentences */
  readonly name: string;
  /** the variable that sets it */
  readonly option: string;
  readonly host: string;
  readonly port: number;
  readonly fixed: boolean;
}

/** `free`, or the system's code for why one cannot listen there. */
function tryToListen(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const server = net.createServer((socket) => socket.destroy());
    server.once('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve('free')));
  });
}

/** Who holds a port, for sentences, and how to stop them. */
function holder({ system }: Subject, port: number): { name: string; command: string } {
  const { isKnown, pids } = listenersOf(system.proc, port);
  if (pids.length === 0) return { name: isKnown ? "another user's program" : 'another program', command: '' };
  return {
    name: pids.map((pid) => processName(system.proc, pid)).join(' and '),
    command: `kill ${pids.join(' ')}`,
  };
}

function taken(subject: Subject, { check, name, option, port, fixed }: Port): Finding {
  const { name: who, command } = holder(subject, port);
  const what = `Port ${port}, the one ${name}, is taken by ${who}`;
  if (!fixed)
    return warn(
      check,
      `${what}; the daemon will take the next free port instead.`,
      `Set ${option} to a port that is free, if the port is to stay the same.`,
    );
  const mend: Mend =
    command === '' || subject.system.platform === 'win32'
      ? `Stop that program, or set ${option} to a port that is free.`
      : { text: `Set ${option} to a port that is free, or stop that program:`, command };
  return fail(check, `${what}, and ${option} asks for exactly this one: the daemon will not start.`, mend);
}

async function checkFree(subject: Subject, port: Port): Promise<Finding> {
  const { check, name, option, host } = port;
  if (port.port === 0) return ok(check, `The daemon will take any free port ${name}.`);
  const result = await tryToListen(host, port.port);
  if (result === 'free') return ok(check, `Port ${port.port}, the one ${name}, is free on ${host}.`);
  if (result === 'EADDRINUSE') return taken(subject, port);
  if (result === 'EACCES')
    return fail(
      check,
      `This user may not listen on port ${port.port}.`,
      `Set ${option} to a port of 1024 or above.`,
    );
  if (/^E(?:ADDRNOTAVAIL|NOTFOUND|AI_AGAIN|INVAL)$/.test(result))
    return fail(
      check,
      `HOST is ${host}, which is no address of this machine (${result}).`,
      'Set HOST to an address of this machine; 0.0.0.0 stands for all.',
    );
  return fail(
    check,
    `The daemon could not listen on ${host} port ${port.port}: ${result}.`,
    `Set HOST or ${option} to another value.`,
  );
}

/** What to connect to for a listener on all addresses. */
function reachable(url: URL): string {
  if (url.hostname === '0.0.0.0') return '127.0.0.1';
  return url.hostname === '[::]' ? '[::1]' : url.hostname;
}

/** '' if a GET is answered with 200, else what came instead. */
function ask(url: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve) => {
    const request = http.get(url, { agent: false, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? '' : `it answers with HTTP status ${response.statusCode}`);
    });
    request.on('error', (error) => {
      if (error.name === 'AbortError' || error.name === 'TimeoutError')
        resolve(`nothing came within ${timeoutMs / 1000} s`);
      else resolve('code' in error ? String(error.code) : error.message);
    });
  });
}

async function checkPeerPortRuns({ system }: Subject, listen: string): Promise<Finding> {
  const url = new URL(listen.replace(/^ws/, 'http'));
  const health = `http://${reachable(url)}:${url.port}/healthz`;
  const trouble = await ask(health, system.timeoutMs);
  if (trouble === '') return ok('peer-port', `The daemon answers other peers on port ${url.port}.`);
  const what = `The daemon says that it listens at ${listen}, and ${health} does not answer as it should: ${trouble}.`;
  return fail(
    'peer-port',
    what,
    'Look into the log of the daemon ("mesh logs"), and restart it; if it stays so, a firewall of this machine may be in between.',
  );
}

/** The ports: answering if the daemon runs, else free. */
export async function checkPorts(subject: Subject): Promise<Finding[]> {
  const { presence, options, env, refused } = subject;
  const status = statusOf(subject);
  if (status !== undefined)
    return [
      await checkPeerPortRuns(subject, status.listen.peer),
      ok('api-port', `The API answers at ${status.listen.api}.`),
    ];
  if (presence.kind !== 'none' && presence.kind !== 'stale') {
    const why =
      presence.kind === 'unknown'
        ? 'It was not checked, because a daemon may be running.'
        : 'A daemon runs and does not say where it listens.';
    return [skipped('peer-port', why), skipped('api-port', why)];
  }
  const isRefused = (...names: readonly ('PORT' | 'MESH_PEER_PORT' | 'MESH_API_PORT' | 'HOST')[]): boolean =>
    names.some((name) => refused.has(name));
  const wrongOption = 'It was not checked, because an option for it cannot be used.';
  const peerOption = (env.PORT ?? '') === '' ? 'MESH_PEER_PORT' : 'PORT';
  const peer: Port = {
    check: 'peer-port',
    name: 'for other peers',
    option: peerOption,
    host: options.host,
    ...options.peerPort,
  };
  const api: Port = {
    check: 'api-port',
    name: 'of the API',
    option: 'MESH_API_PORT',
    host: API_HOST,
    ...options.apiPort,
  };
  return [
    isRefused('PORT', 'MESH_PEER_PORT', 'HOST')
      ? skipped('peer-port', wrongOption)
      : await checkFree(subject, peer),
    isRefused('MESH_API_PORT') ? skipped('api-port', wrongOption) : await checkFree(subject, api),
  ];
}
