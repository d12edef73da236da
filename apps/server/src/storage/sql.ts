/** The one door to kysely at run time outside this folder: raw fragments for the few statements it has no words for. */
export { sql } from 'kysely';
