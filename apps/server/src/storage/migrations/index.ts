import type { Migration } from 'kysely/migration';
import * as first from './0001-first.ts';
import * as modelKeys from './0002-model-keys.ts';
import * as machineHours from './0003-machine-hours.ts';
import * as tasks from './0004-tasks.ts';
import * as frameExclusion from './0005-frame-exclusion.ts';

/** In order of their names; a migration that was released is never changed. */
export const MIGRATIONS: Record<string, Migration> = {
  '0001-first': first,
  '0002-model-keys': modelKeys,
  '0003-machine-hours': machineHours,
  '0004-tasks': tasks,
  '0005-frame-exclusion': frameExclusion,
};
