// Accounts, machine tokens and the people of the hall: the administrator's doors, and the one list that every form reads.
import { del, get, post } from './client';
import type { components } from './schema';

type S = components['schemas'];

export type Account = S['AccountView'];
export type AccountBody = S['AccountBody'];
export type Person = S['PersonView'];
export type Token = S['TokenView'];
export type TokenBody = S['TokenBody'];
export type NewToken = S['NewTokenView'];

/** Roles of people, as the server takes them; who is in the field has a link instead. */
export const ROLES = ['duty_officer', 'shift_lead', 'commander', 'administrator', 'read_only'] as const;
/** Roles of machines: least first. */
export const MACHINE_ROLES = ['read_only', 'duty_officer', 'shift_lead', 'commander'] as const;

export const readPeople = async (): Promise<readonly Person[]> => (await get('/api/v1/people')).people;
export const readAccounts = async (): Promise<readonly Account[]> => (await get('/api/v1/accounts')).accounts;
export const saveAccount = (body: AccountBody): Promise<Account> => post('/api/v1/accounts', body);
export const readTokens = async (): Promise<readonly Token[]> => (await get('/api/v1/tokens')).tokens;
export const makeToken = (body: TokenBody): Promise<NewToken> => post('/api/v1/tokens', body);
export const revokeToken = (id: string): Promise<void> => del(`/api/v1/tokens/${encodeURIComponent(id)}`);
