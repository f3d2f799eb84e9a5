/** Sockets, dialling and bootstrap lists: what the daemon uses of this folder. */
export {
  canonicalPeerUrl,
  hintProblem,
  isForAsker,
  type ParsedPeerUrl,
  type PeerUrl,
  parsePeerUrl,
} from './address.ts';
export {
  type BootstrapErrorCode,
  type BootstrapResult,
  type FetchBootstrapOptions,
  fetchBootstrap,
} from './bootstrap.ts';
export { type BootstrapAddress, type ParsedBootstrap, parseBootstrap } from './bootstrap-document.ts';
export {
  type BootstrapSourceState,
  type BootstrapWatcher,
  type BootstrapWatcherOptions,
  createBootstrapWatcher,
} from './bootstrap-watcher.ts';
export { lookupGuard, type Resolve } from './guard.ts';
export {
  type Answer,
  createHttpServer,
  type HttpServer,
  type HttpServerOptions,
  openDocument,
  problem,
  type Route,
} from './http-server.ts';
export { addressGroup, isAtLeast, isLoopbackOnly, scopeOfIp } from './ip-scope.ts';
export {
  createLinkNet,
  type LinkEvent,
  type LinkLimits,
  type LinkNet,
  type LinkNetOptions,
  type LinkStats,
} from './links.ts';
export { type Listening, type ListenOptions, listenOn } from './listen.ts';
export { LocalDiscovery, type LocalDiscoveryOptions, type LocalDiscoveryState } from './local/discovery.ts';
export { LOCAL_DISCOVERY_MODES, type LocalDiscoveryMode } from './local/interfaces.ts';
export { NET_LIMITS } from './net-limits.ts';
