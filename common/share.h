/*
 * share.h — when module_share() (handler.h) gives memory, and when it is taken back.
 *
 * Memory that all workers see has to be mapped before the first of them is made; so there is some
 * only while a module's `open` runs. All of it stays until the modules have been closed.
 */
#ifndef TANDEM_SHARE_H
#define TANDEM_SHARE_H

/* Between these two, module_share() maps. By the thread that calls `open`. */
void share_begin(void);
void share_end(void);
/* Unmaps all that this process has been given, or has inherited. After the modules' close. */
void share_close(void);

#endif
