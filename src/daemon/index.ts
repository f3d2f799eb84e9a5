/** The daemon: what doors and the command line see of it. */
export { startDaemon } from './daemon.ts';
export type {
  AgentGate,
  AgentView,
  AgentWhyView,
  ContactView,
  InboxEventView,
  InboxItemView,
  InboxRowView,
  WakeView,
} from './desk/views.ts';
export type { MapLinkView, MapRelayView, MapView } from './explain/map-view.ts';
export type {
  DeedView,
  DeliveryWhyView,
  HereView,
  KeeperView,
  MissingView,
  NextLinkView,
  PathRelayView,
  PathView,
  WhyView,
} from './explain/why-view.ts';
export type {
  ChangeView,
  ChannelView,
  EphemeralRequest,
  EphemeralView,
  FeedItem,
  Gate,
  LinkView,
  LocalDiscoveryView,
  MessageView,
  MetricFamily,
  MetricSample,
  PublishRequest,
  RetentionDefaultsView,
  RetentionRequest,
  RetentionView,
  ScrubView,
  SourceView,
  StatusView,
  TapRequest,
} from './gate.ts';
export { OPTION_NAMES, OPTION_TABLE, type OptionName, type OptionRow } from './option-table.ts';
export type { LogLevel } from './option-values.ts';
export { type Environment, type Options, type PortOption, parseOptions } from './options.ts';
export { checkedPolicy } from './retention.ts';
export type { Log } from './runner.ts';
export type { CreateDoor, Daemon, Door, StartOptions } from './start-options.ts';
export type { TapFields, TapFrame, TapItem, TapValue } from './tap/tap-view.ts';
export { TAP_TYPES } from './tap/taps.ts';
export { softwareVersion } from './version.ts';
