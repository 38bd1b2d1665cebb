/*
 * A stand-in for wintun.dll, for tests under Wine, which has no such driver. Names, errors and rules are those that the official wintun.h
 * tells of; what is behind them is a UDP socket of loopback instead of a network interface: a datagram is a packet.
 *
 *   WASMGUARD_WINTUN=IN:OUT     packets for the program come to port IN, those that it sends go to port OUT; without it the same is
 *                             in a file beside this DLL, FILE.dll.ports, for a service gets no variables of ours
 *   WASMGUARD_WINTUN_ERROR=N    no adapter can be created: N is why, as GetLastError has it
 *   WASMGUARD_WINTUN_DRIVER=0   the adapter is there, but no driver runs
 *
 * An empty datagram removes the adapter. It is stricter than the driver: a packet that was released or sent is overwritten and
 * unmapped, and what wintun.h forbids ends the process.
 */
#include <winsock2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "stand-in.h"

#define EXPORT __declspec(dllexport)
#define RING_CAPACITY_MIN 0x20000
#define RING_CAPACITY_MAX 0x4000000
#define PACKET_BYTES_MAX 0xFFFF
#define QUEUE_PACKETS 512
/* Exit code of a process that broke a rule. */
#define BROKEN_RULE 113

struct packet {
    struct packet *next;
    DWORD size;
    BYTE bytes[];
};

struct adapter;

struct session {
    struct adapter *adapter;
    CRITICAL_SECTION lock;
    HANDLE readable, thread;
    SOCKET socket;
    struct sockaddr_in out;
    /* Not yet received, oldest first; how many; and how many of each kind the program has. */
    struct packet *first, *last;
    int waiting, received, allocated;
    BOOL removed;
};

struct adapter {
    WCHAR name[128];
    struct session *session;
};

static int number(const char *variable, int otherwise)
{
    const char *text = getenv(variable);
    return text == NULL ? otherwise : atoi(text);
}

static void require(BOOL kept, const char *rule)
{
    if (kept) return;
    fprintf(stderr, "wintun stand-in: %s\n", rule);
    fflush(stderr);
    ExitProcess(BROKEN_RULE);
}

static struct packet *packet_make(DWORD size)
{
    struct packet *packet = VirtualAlloc(NULL, sizeof *packet + size, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
    require(packet != NULL, "no memory");
    packet->size = size;
    return packet;
}

/* Whoever still uses it afterwards faults. */
static void packet_end(struct packet *packet)
{
    VirtualFree(packet, 0, MEM_RELEASE);
}

static struct packet *packet_of(const BYTE *bytes)
{
    return (struct packet *)(bytes - offsetof(struct packet, bytes));
}

static DWORD WINAPI carry_in(void *argument)
{
    struct session *session = argument;
    static BYTE bytes[PACKET_BYTES_MAX];
    for (;;) {
        int size = recv(session->socket, (char *)bytes, sizeof bytes, 0);
        if (size == SOCKET_ERROR && WSAGetLastError() == WSAECONNRESET) continue;
        if (size == SOCKET_ERROR) return 0;
        EnterCriticalSection(&session->lock);
        if (size == 0) {
            session->removed = TRUE;
        } else if (session->waiting < QUEUE_PACKETS) {
            struct packet *packet = packet_make(size);
            memcpy(packet->bytes, bytes, size);
            packet->next = NULL;
            if (session->first == NULL) session->first = packet;
            else session->last->next = packet;
            session->last = packet;
            session->waiting++;
        }
        LeaveCriticalSection(&session->lock);
        SetEvent(session->readable);
    }
}

static BOOL ports_read(int *in, int *out)
{
    const char *ports = getenv("WASMGUARD_WINTUN");
    HMODULE library;
    char path[MAX_PATH + 8];
    FILE *file;
    BOOL known;
    if (ports != NULL) return sscanf(ports, "%d:%d", in, out) == 2;
    if (!GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, (LPCSTR)ports_read, &library)) return FALSE;
    if (GetModuleFileNameA(library, path, MAX_PATH) == 0) return FALSE;
    file = fopen(strcat(path, ".ports"), "r");
    if (file == NULL) return FALSE;
    known = fscanf(file, "%d:%d", in, out) == 2;
    fclose(file);
    return known;
}

static BOOL socket_open(struct session *session)
{
    WSADATA data;
    int in, out;
    struct sockaddr_in at = {.sin_family = AF_INET};
    if (!ports_read(&in, &out)) return FALSE;
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) return FALSE;
    session->socket = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(out);
    session->out = at;
    at.sin_port = htons(in);
    return bind(session->socket, (struct sockaddr *)&at, sizeof at) == 0;
}

EXPORT struct adapter *WINAPI WintunCreateAdapter(const WCHAR *name, const WCHAR *type, const GUID *id)
{
    int error = number("WASMGUARD_WINTUN_ERROR", 0);
    struct adapter *adapter;
    (void)id;
    if (name == NULL || type == NULL || wcslen(name) >= 128 || wcslen(type) >= 128) error = ERROR_INVALID_PARAMETER;
    if (error != 0) {
        SetLastError(error);
        return NULL;
    }
    adapter = calloc(1, sizeof *adapter);
    wcscpy(adapter->name, name);
    return adapter;
}

EXPORT struct adapter *WINAPI WintunOpenAdapter(const WCHAR *name)
{
    (void)name;
    SetLastError(ERROR_NOT_FOUND);
    return NULL;
}

EXPORT void WINAPI WintunCloseAdapter(struct adapter *adapter)
{
    if (adapter == NULL) return;
    require(adapter->session == NULL, "the adapter is closed before its session");
    free(adapter);
}

EXPORT BOOL WINAPI WintunDeleteDriver(void)
{
    return TRUE;
}

EXPORT void WINAPI WintunGetAdapterLUID(struct adapter *adapter, uint64_t *luid)
{
    (void)adapter;
    *luid = STANDIN_LUID;
}

EXPORT DWORD WINAPI WintunGetRunningDriverVersion(void)
{
    if (number("WASMGUARD_WINTUN_DRIVER", 1) != 0) return 14;
    SetLastError(ERROR_FILE_NOT_FOUND);
    return 0;
}

EXPORT void WINAPI WintunSetLogger(void *logger)
{
    (void)logger;
}

EXPORT struct session *WINAPI WintunStartSession(struct adapter *adapter, DWORD capacity)
{
    struct session *session;
    if (capacity < RING_CAPACITY_MIN || capacity > RING_CAPACITY_MAX || (capacity & (capacity - 1)) != 0) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    if (adapter->session != NULL) {
        SetLastError(ERROR_ALREADY_INITIALIZED);
        return NULL;
    }
    session = calloc(1, sizeof *session);
    session->adapter = adapter;
    if (!socket_open(session)) {
        fprintf(stderr, "wintun stand-in: WASMGUARD_WINTUN names no two free ports\n");
        SetLastError(ERROR_OPEN_FAILED);
        return NULL;
    }
    InitializeCriticalSection(&session->lock);
    session->readable = CreateEventW(NULL, FALSE, FALSE, NULL);
    session->thread = CreateThread(NULL, 0, carry_in, session, 0, NULL);
    adapter->session = session;
    return session;
}

EXPORT void WINAPI WintunEndSession(struct session *session)
{
    require(session->received == 0, "a session ends before what was received is released");
    require(session->allocated == 0, "a session ends before what was allocated is sent");
    closesocket(session->socket);
    WaitForSingleObject(session->thread, INFINITE);
    CloseHandle(session->thread);
    CloseHandle(session->readable);
    while (session->first != NULL) {
        struct packet *packet = session->first;
        session->first = packet->next;
        packet_end(packet);
    }
    DeleteCriticalSection(&session->lock);
    session->adapter->session = NULL;
    free(session);
}

EXPORT HANDLE WINAPI WintunGetReadWaitEvent(struct session *session)
{
    return session->readable;
}

EXPORT BYTE *WINAPI WintunReceivePacket(struct session *session, DWORD *size)
{
    struct packet *packet;
    DWORD error = ERROR_SUCCESS;
    EnterCriticalSection(&session->lock);
    packet = session->first;
    if (packet != NULL) {
        session->first = packet->next;
        session->waiting--;
        session->received++;
    } else {
        error = session->removed ? ERROR_HANDLE_EOF : ERROR_NO_MORE_ITEMS;
    }
    LeaveCriticalSection(&session->lock);
    if (packet == NULL) {
        SetLastError(error);
        return NULL;
    }
    *size = packet->size;
    return packet->bytes;
}

EXPORT void WINAPI WintunReleaseReceivePacket(struct session *session, const BYTE *bytes)
{
    session->received--;
    require(session->received >= 0, "more is released than was received");
    packet_end(packet_of(bytes));
}

EXPORT BYTE *WINAPI WintunAllocateSendPacket(struct session *session, DWORD size)
{
    if (session->removed) {
        SetLastError(ERROR_HANDLE_EOF);
        return NULL;
    }
    if (size > PACKET_BYTES_MAX) {
        SetLastError(ERROR_BUFFER_OVERFLOW);
        return NULL;
    }
    session->allocated++;
    return packet_make(size)->bytes;
}

EXPORT void WINAPI WintunSendPacket(struct session *session, const BYTE *bytes)
{
    struct packet *packet = packet_of(bytes);
    session->allocated--;
    require(session->allocated >= 0, "more is sent than was allocated");
    require(packet->bytes[0] >> 4 == 4 || packet->bytes[0] >> 4 == 6, "a packet is neither IPv4 nor IPv6");
    sendto(session->socket, (const char *)packet->bytes, packet->size, 0, (struct sockaddr *)&session->out, sizeof session->out);
    packet_end(packet);
}
