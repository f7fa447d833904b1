/*
 * main.c — server-thread. What both servers share is in ../common; what this folder adds is model.c
 * and worker.c.
 */
#include "common/server.h"

int main(int argc, char **argv)
{
    return server_main(argc, argv);
}
