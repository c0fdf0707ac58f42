/** The message of a COMMIT of its own: that of an increment, and that of a swap. */
export const COMMIT = /^Q[\s\S]{4}COMMIT\0/;
/** The message that marks splits and commits them with their rows. */
export const SPLIT_COMMIT = /INSERT INTO "public"\."sync_splits"[\s\S]*; COMMIT\0/;
/** The statement that marks a run applied and sets its watermark. */
export const APPLY = /WITH committed AS/;
