/*
 * main.c — server-proc. What both servers share is in ../common; what this folder adds is model.c
 * and worker.c (and spare.c, for --isolation fresh).
 */
#include "common/server.h"

int main(int argc, char **argv)
{
    return server_main(argc, argv);
}
