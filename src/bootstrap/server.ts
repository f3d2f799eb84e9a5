/**
 * `mesh bootstrap`: serves a list of peers over HTTP at `/bootstrap.json` and `/`, to web pages too. It knows no mesh
 * protocol and can run anywhere; a file on any web host does the same.
 */
import { LIMITS } from '../core/limits.ts';
import {
  type Answer,
  createHttpServer,
  type Listening,
  type ListenOptions,
  listenOn,
  NET_LIMITS,
  openDocument,
  problem,
} from '../net/index.ts';
import { createListFile } from './list-file.ts';

/** `phrase` is fixed text, details are in `data`. */
export type Log = (
  level: 'info' | 'warn',
  phrase: string,
  data: Readonly<Record<string, string | number | boolean>>,
) => void;

export interface BootstrapServerOptions extends ListenOptions {
  /** path of the list, schema in docs/reference/bootstrap.md; read again when it changes */
  readonly file: string;
  readonly log: Log;
  /** time for one request, ms; default `LIMITS.bootstrapMs` */
  readonly deadlineMs?: number;
  /** connections at once */
  readonly socketsMax?: number;
}

export interface BootstrapServer extends Listening {
  stop(): Promise<void>;
}

/**
 * Starts to serve. A file that is missing or invalid does not stop it: the last good content is served, or 503 with
 * what is wrong while there is none.
 * @throws MeshError `port_in_use` or `bad_option` as of `listenOn`
 */
export async function startBootstrapServer(options: BootstrapServerOptions): Promise<BootstrapServer> {
  const {
    file,
    log,
    deadlineMs = LIMITS.bootstrapMs,
    socketsMax = NET_LIMITS.bootstrapServerSocketsMax,
  } = options;
  const list = createListFile(file, (state) => {
    if (state.problem !== '') log('warn', 'bootstrap list is not valid', { file, detail: state.problem });
    else log('info', 'bootstrap list read', { file, peers: state.peers, dropped: state.dropped });
  });
  const answer = (): Answer => {
    const { body, problem: wrong } = list.current();
    if (body !== undefined) return openDocument(body);
    const headers = { 'Access-Control-Allow-Origin': '*', 'Retry-After': '60' };
    return problem('bootstrap_invalid', `The list cannot be served: ${wrong}.`, headers, 503);
  };
  const { server } = createHttpServer({
    route: (path) => (path === '/bootstrap.json' || path === '/' ? answer : undefined),
    deadlineMs,
    socketsMax,
  });
  const listening = await listenOn(server, options);
  server.on('error', (error) => log('warn', 'a connection could not be accepted', { detail: error.message }));
  list.current();
  return {
    ...listening,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
