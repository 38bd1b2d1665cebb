/** The packages of this folder's package.json, which are not there when the types of everything else are checked. */
declare module "ioredis";
declare module "mysql2/promise";
declare module "nodemailer";
declare module "pg";
declare module "smtp-server";
declare module "ssh2";
declare module "undici";
declare module "ws";

// biome-ignore lint/suspicious/noExplicitAny: what such a package makes has no type
type Untyped = any;
