/** Local discovery as part of a daemon: what it is started with, what becomes of its findings, and what it says of itself. */
import fs from 'node:fs';
import { LocalDiscovery, type LocalDiscoveryState } from '../net/index.ts';
import type { LocalDiscoveryView } from './gate.ts';
import type { Environment, Options } from './options.ts';
import type { Runner } from './runner.ts';
import type { Facts } from './status.ts';

/** As the core is told who names the addresses. */
const SOURCE = 'local network';
/** Files by which the usual container engines show that they are there: Docker's and Podman's. */
const CONTAINER_FILES = ['/.dockerenv', '/run/.containerenv'];
/** Variables by which systemd-nspawn, Podman and Kubernetes do. */
const CONTAINER_VARIABLES = ['container', 'KUBERNETES_SERVICE_HOST'];

/** Whether this process seems to run in a container. @param exists default: the file system is asked */
export function isContainer(env: Environment, exists: (file: string) => boolean = fs.existsSync): boolean {
  return CONTAINER_VARIABLES.some((name) => (env[name] ?? '') !== '') || CONTAINER_FILES.some(exists);
}

/** What is said before it has begun. */
export function localDiscoveryBefore({ localDiscovery }: Options): LocalDiscoveryView {
  return { mode: localDiscovery, state: 'starting', reason: '', addresses: [], peers: 0 };
}

/** `on at 192.168.1.5, 2 peers announced`, or why not. */
export function localDiscoveryText({ state, reason, addresses, peers }: LocalDiscoveryView): string {
  if (state === 'starting') return state;
  if (state !== 'on') return `${state}: ${reason}`;
  const found = peers === 0 ? 'nobody else is announced' : `${peers} other ${peers === 1 ? 'peer' : 'peers'}`;
  const but = reason === '' ? '' : `; ${reason}`;
  return `on at ${addresses.join(', ')}; ${found}${but}`;
}

export interface LocalDiscoveryParts {
  readonly options: Options;
  readonly env: Environment;
  readonly facts: Facts;
  /** where the port for peers is bound */
  readonly bound: { readonly host: string; readonly port: number };
  readonly runner: Pick<Runner, 'submit'>;
  readonly onChange: (state: LocalDiscoveryState) => void;
}

/** Puts it together; it does nothing before its `start`. */
export function createLocalDiscovery({
  options,
  env,
  facts,
  bound,
  runner,
  onChange,
}: LocalDiscoveryParts): LocalDiscovery {
  return new LocalDiscovery({
    mode: options.localDiscovery,
    own: { network: facts.network, peer: facts.peer, port: bound.port },
    listensOn: bound.host,
    publicUrl: options.publicUrl,
    isHosted: options.isHosted,
    isContainer: isContainer(env),
    onFound: ({ url, peer, scope }) =>
      runner.submit({
        ...{ kind: 'addresses', source: SOURCE, scope, fixed: false, unproven: true },
        addresses: [{ url, peer }],
      }),
    onChange,
  });
}
