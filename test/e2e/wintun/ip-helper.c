/*
 * A stand-in for iphlpapi.dll, for tests of `wasmguard up` under Wine, which lacks what sets addresses and routes. Structs and names are those of
 * <netioapi.h>. All that is not here is passed on to Wine's own (scripts/build-ip-helper.sh). There is one interface: while a tunnel's control pipe is there, the tunnel's.
 *
 *   WASMGUARD_IP_HELPER=FILE      what is set goes there, a line each, and what is asked for comes from there; without it that is the file
 *                                 which it was built for, for a service gets no variables of ours. A line "refuse WORD" has settings
 *                                 refused that begin with it
 *   WASMGUARD_IP_HELPER_ERROR=N   nothing can be set, and N is why
 *
 * It is strict: what Windows refuses or ignores is refused.
 */
#define _WIN32_WINNT 0x0A00
#include <winsock2.h>
#include <ws2tcpip.h>
#include <iphlpapi.h>
#include <netioapi.h>
#include <stdio.h>
#include <stdlib.h>
#include "stand-in.h"

#define EXPORT __declspec(dllexport)
#define FOREVER 0xffffffff
#define LINE_CHARS 512
#define ROWS_MAX 32
#define OUTER_INDEX 7
#define OUTER_MTU 1492
#define STANDIN_INDEX 0xfffff0

static const GUID interface_id = {0x77617364, 0x6775, 0x6172, {1, 2, 3, 4, 5, 6, 7, 8}};

static void *wines(const char *name)
{
    return (void *)GetProcAddress(LoadLibraryW(L"iphlpwine.dll"), name);
}

static DWORD refusal(void)
{
    const char *error = getenv("WASMGUARD_IP_HELPER_ERROR");
    return error == NULL ? NO_ERROR : (DWORD)atoi(error);
}

static FILE *state(const char *mode)
{
    const char *path = getenv("WASMGUARD_IP_HELPER");
    return fopen(path == NULL ? SETTINGS_FILE : path, mode);
}

static BOOL is_recorded(const char *line)
{
    char known[LINE_CHARS];
    BOOL found = FALSE;
    FILE *file = state("r");
    if (file == NULL) return FALSE;
    while (!found && fgets(known, sizeof known, file) != NULL) {
        known[strcspn(known, "\r\n")] = 0;
        found = strcmp(known, line) == 0;
    }
    fclose(file);
    return found;
}

static DWORD record(const char *line)
{
    char refused[LINE_CHARS];
    FILE *file;
    snprintf(refused, sizeof refused, "refuse %.*s", (int)strcspn(line, " "), line);
    if (is_recorded(refused)) return ERROR_ACCESS_DENIED;
    if (refusal() != NO_ERROR) return refusal();
    file = state("a");
    if (file == NULL) return ERROR_OPEN_FAILED;
    fprintf(file, "%s\n", line);
    fclose(file);
    return NO_ERROR;
}

/* "?" for another family, or where what must be zero is not. */
static const char *text_of(const SOCKADDR_INET *address, char *text)
{
    strcpy(text, "?");
    if (address->si_family == AF_INET && address->Ipv4.sin_port == 0)
        inet_ntop(AF_INET, &address->Ipv4.sin_addr, text, INET6_ADDRSTRLEN);
    if (address->si_family == AF_INET6 && address->Ipv6.sin6_port == 0 && address->Ipv6.sin6_scope_id == 0)
        inet_ntop(AF_INET6, &address->Ipv6.sin6_addr, text, INET6_ADDRSTRLEN);
    return text;
}

EXPORT DWORD WINAPI ConvertInterfaceAliasToLuid(const WCHAR *alias, NET_LUID *luid)
{
    WCHAR pipe[256];
    swprintf(pipe, 256, L"\\\\.\\pipe\\ProtectedPrefix\\Administrators\\WireGuard\\%ls", alias);
    if (!WaitNamedPipeW(pipe, 1) && GetLastError() == ERROR_FILE_NOT_FOUND) return ERROR_INVALID_PARAMETER;
    luid->Value = STANDIN_LUID;
    return NO_ERROR;
}

EXPORT DWORD WINAPI ConvertInterfaceLuidToGuid(const NET_LUID *luid, GUID *id)
{
    if (luid->Value != STANDIN_LUID) return ERROR_INVALID_PARAMETER;
    *id = interface_id;
    return NO_ERROR;
}

EXPORT void WINAPI InitializeUnicastIpAddressEntry(MIB_UNICASTIPADDRESS_ROW *row)
{
    memset(row, 0, sizeof *row);
    row->PrefixOrigin = IpPrefixOriginUnchanged;
    row->SuffixOrigin = IpSuffixOriginUnchanged;
    row->OnLinkPrefixLength = 255;
}

EXPORT DWORD WINAPI CreateUnicastIpAddressEntry(const MIB_UNICASTIPADDRESS_ROW *row)
{
    char address[INET6_ADDRSTRLEN], line[LINE_CHARS];
    if (row->InterfaceLuid.Value != STANDIN_LUID) return ERROR_NOT_FOUND;
    if (row->PrefixOrigin != IpPrefixOriginUnchanged || row->SuffixOrigin != IpSuffixOriginUnchanged)
        return ERROR_INVALID_PARAMETER;
    if (row->ValidLifetime != FOREVER || row->PreferredLifetime != FOREVER || row->DadState != IpDadStatePreferred)
        return ERROR_INVALID_PARAMETER;
    snprintf(line, sizeof line, "address %s/%u", text_of(&row->Address, address), row->OnLinkPrefixLength);
    return is_recorded(line) ? ERROR_OBJECT_ALREADY_EXISTS : record(line);
}

/* What was recorded, an address of another interface, and one of those that Windows adds. */
EXPORT DWORD WINAPI GetUnicastIpAddressTable(ADDRESS_FAMILY family, MIB_UNICASTIPADDRESS_TABLE **result)
{
    MIB_UNICASTIPADDRESS_TABLE *table =
        HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof *table + ROWS_MAX * sizeof table->Table[0]);
    FILE *file = state("r");
    char line[LINE_CHARS], address[INET6_ADDRSTRLEN];
    unsigned bits;
    MIB_UNICASTIPADDRESS_ROW *row = table->Table;
    if (family != AF_UNSPEC) return ERROR_INVALID_PARAMETER;
    row->Address.si_family = AF_INET;
    row->Address.Ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    row->InterfaceLuid.Value = STANDIN_LUID + 1;
    row++;
    row->Address.si_family = AF_INET6;
    inet_pton(AF_INET6, "fe80::1", &row->Address.Ipv6.sin6_addr);
    row->PrefixOrigin = IpPrefixOriginWellKnown;
    row->InterfaceLuid.Value = STANDIN_LUID;
    row++;
    while (file != NULL && fgets(line, sizeof line, file) != NULL && row < table->Table + ROWS_MAX) {
        if (sscanf(line, "address %45[0-9a-f:.]/%u", address, &bits) != 2) continue;
        row->Address.si_family = strchr(address, ':') == NULL ? AF_INET : AF_INET6;
        if (row->Address.si_family == AF_INET) inet_pton(AF_INET, address, &row->Address.Ipv4.sin_addr);
        else inet_pton(AF_INET6, address, &row->Address.Ipv6.sin6_addr);
        row->InterfaceLuid.Value = STANDIN_LUID;
        row->OnLinkPrefixLength = bits;
        row->PrefixOrigin = IpPrefixOriginManual;
        row++;
    }
    if (file != NULL) fclose(file);
    table->NumEntries = row - table->Table;
    *result = table;
    return NO_ERROR;
}

/* A line "outer MTU" is no setting: all other interfaces have it. */
EXPORT DWORD WINAPI GetIpInterfaceEntry(MIB_IPINTERFACE_ROW *row)
{
    BOOL own = row->InterfaceLuid.Value == STANDIN_LUID;
    FILE *file = state("r");
    char line[LINE_CHARS];
    unsigned family, mtu;
    if (row->Family != AF_INET && row->Family != AF_INET6) return ERROR_INVALID_PARAMETER;
    if (!own && row->InterfaceIndex == 0) return ERROR_NOT_FOUND;
    row->NlMtu = own ? 65535 : OUTER_MTU;
    row->SitePrefixLength = 64;
    row->UseAutomaticMetric = TRUE;
    row->Metric = 25;
    row->DadTransmits = 3;
    row->RouterDiscoveryBehavior = RouterDiscoveryDhcp;
    row->Connected = TRUE;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (!own) {
            if (sscanf(line, "outer %u", &mtu) == 1) row->NlMtu = mtu;
            continue;
        }
        if (sscanf(line, "interface ipv%u mtu %u", &family, &mtu) == 2 && (family == 4) == (row->Family == AF_INET))
            row->NlMtu = mtu;
    }
    if (file != NULL) fclose(file);
    return NO_ERROR;
}

EXPORT DWORD WINAPI SetIpInterfaceEntry(MIB_IPINTERFACE_ROW *row)
{
    char line[LINE_CHARS], metric[32] = "automatic";
    if (row->InterfaceLuid.Value != STANDIN_LUID) return ERROR_NOT_FOUND;
    if (row->Family == AF_INET && row->SitePrefixLength != 0) return ERROR_INVALID_PARAMETER;
    if (row->Family == AF_INET6 && row->SitePrefixLength != 64) return ERROR_INVALID_PARAMETER;
    if (row->NlMtu < (row->Family == AF_INET ? 576 : 1280) || row->NlMtu > 65535) return ERROR_INVALID_PARAMETER;
    if (!row->UseAutomaticMetric) snprintf(metric, sizeof metric, "%lu", row->Metric);
    snprintf(line, sizeof line, "interface ipv%d mtu %lu metric %s discovery %d dad %lu", row->Family == AF_INET ? 4 : 6,
             row->NlMtu, metric, row->RouterDiscoveryBehavior, row->DadTransmits);
    return record(line);
}

EXPORT void WINAPI InitializeIpForwardEntry(MIB_IPFORWARD_ROW2 *row)
{
    memset(row, 0, sizeof *row);
    row->ValidLifetime = FOREVER;
    row->PreferredLifetime = FOREVER;
    row->Metric = 1;
    row->Immortal = TRUE;
    row->Protocol = MIB_IPPROTO_NETMGMT;
}

EXPORT DWORD WINAPI CreateIpForwardEntry2(const MIB_IPFORWARD_ROW2 *row)
{
    char to[INET6_ADDRSTRLEN], by[INET6_ADDRSTRLEN], line[LINE_CHARS];
    if (row->InterfaceLuid.Value != STANDIN_LUID) return ERROR_NOT_FOUND;
    if (row->ValidLifetime != FOREVER || !row->Immortal || row->Protocol != MIB_IPPROTO_NETMGMT)
        return ERROR_INVALID_PARAMETER;
    snprintf(line, sizeof line, "route %s/%u by %s metric %lu", text_of(&row->DestinationPrefix.Prefix, to),
             row->DestinationPrefix.PrefixLength, text_of(&row->NextHop, by), row->Metric);
    return is_recorded(line) ? ERROR_OBJECT_ALREADY_EXISTS : record(line);
}

/* A line "inside ADDRESS" is no setting: packets to there are led into the tunnel. All else leaves by one other interface. */
EXPORT DWORD WINAPI GetBestRoute2(NET_LUID *luid, NET_IFINDEX index, const SOCKADDR_INET *source, const SOCKADDR_INET *to,
                                  ULONG options, MIB_IPFORWARD_ROW2 *row, SOCKADDR_INET *best)
{
    char text[INET6_ADDRSTRLEN], line[LINE_CHARS];
    if (luid != NULL || source != NULL || options != 0) return ERROR_INVALID_PARAMETER;
    if (strcmp(text_of(to, text), "?") == 0) return ERROR_INVALID_PARAMETER;
    snprintf(line, sizeof line, "inside %s", text);
    memset(row, 0, sizeof *row);
    memset(best, 0, sizeof *best);
    row->InterfaceIndex = index != 0 ? index : is_recorded(line) ? STANDIN_INDEX : OUTER_INDEX;
    return NO_ERROR;
}

typedef DWORD(WINAPI *to_index)(const NET_LUID *, NET_IFINDEX *);
typedef DWORD(WINAPI *to_luid)(const WCHAR *, NET_LUID *);

EXPORT DWORD WINAPI ConvertInterfaceLuidToIndex(const NET_LUID *luid, NET_IFINDEX *index)
{
    if (luid->Value != STANDIN_LUID) return ((to_index)wines("ConvertInterfaceLuidToIndex"))(luid, index);
    *index = STANDIN_INDEX;
    return NO_ERROR;
}

/* The routes that were recorded, and for a line "outside", which is no setting, default routes by the interface of loopback. */
EXPORT DWORD WINAPI GetIpForwardTable2(ADDRESS_FAMILY family, MIB_IPFORWARD_TABLE2 **result)
{
    MIB_IPFORWARD_TABLE2 *table =
        HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof *table + ROWS_MAX * sizeof table->Table[0]);
    FILE *file = state("r");
    char line[LINE_CHARS], to[INET6_ADDRSTRLEN];
    unsigned bits;
    NET_LUID loopback;
    MIB_IPFORWARD_ROW2 *row = table->Table;
    if (family != AF_INET && family != AF_INET6) return ERROR_INVALID_PARAMETER;
    while (file != NULL && fgets(line, sizeof line, file) != NULL && row < table->Table + ROWS_MAX) {
        SOCKADDR_INET *prefix = &row->DestinationPrefix.Prefix;
        if (strncmp(line, "outside", 7) == 0) {
            prefix->si_family = family;
            ((to_luid)wines("ConvertInterfaceAliasToLuid"))(L"lo", &loopback);
            ((to_index)wines("ConvertInterfaceLuidToIndex"))(&loopback, &row->InterfaceIndex);
            row++;
        } else if (sscanf(line, "route %45[0-9a-f:.]/%u", to, &bits) == 2 && (strchr(to, ':') == NULL) == (family == AF_INET)) {
            prefix->si_family = family;
            inet_pton(family, to, family == AF_INET ? (void *)&prefix->Ipv4.sin_addr : (void *)&prefix->Ipv6.sin6_addr);
            row->DestinationPrefix.PrefixLength = bits;
            row->InterfaceLuid.Value = STANDIN_LUID;
            row->InterfaceIndex = STANDIN_INDEX;
            row++;
        }
    }
    if (file != NULL) fclose(file);
    table->NumEntries = row - table->Table;
    *result = table;
    return NO_ERROR;
}

static struct {
    PIPFORWARD_CHANGE_CALLBACK call;
    void *context;
    HANDLE ended;
    FILETIME seen;
} listener;

static FILETIME written_at(void)
{
    const char *path = getenv("WASMGUARD_IP_HELPER");
    WIN32_FILE_ATTRIBUTE_DATA file = {0};
    GetFileAttributesExA(path == NULL ? SETTINGS_FILE : path, GetFileExInfoStandard, &file);
    return file.ftLastWriteTime;
}

/* Whoever waits to be told of routes is told, on a thread of ours, when the file is another. */
static DWORD WINAPI look_at_file(void *unused)
{
    MIB_IPFORWARD_ROW2 row = {0};
    (void)unused;
    while (WaitForSingleObject(listener.ended, 50) == WAIT_TIMEOUT) {
        FILETIME now = written_at();
        if (CompareFileTime(&now, &listener.seen) == 0) continue;
        listener.seen = now;
        listener.call(listener.context, &row, MibAddInstance);
    }
    return 0;
}

EXPORT DWORD WINAPI NotifyRouteChange2(ADDRESS_FAMILY family, PIPFORWARD_CHANGE_CALLBACK call, void *context, BOOLEAN initial,
                                       HANDLE *notification)
{
    if (family != AF_UNSPEC || call == NULL || initial || listener.call != NULL) return ERROR_INVALID_PARAMETER;
    listener.call = call;
    listener.context = context;
    listener.ended = CreateEventW(NULL, TRUE, FALSE, NULL);
    listener.seen = written_at();
    *notification = CreateThread(NULL, 0, look_at_file, NULL, 0, NULL);
    return NO_ERROR;
}

/* No call comes after it. */
EXPORT DWORD WINAPI CancelMibChangeNotify2(HANDLE notification)
{
    SetEvent(listener.ended);
    WaitForSingleObject(notification, INFINITE);
    return NO_ERROR;
}

EXPORT DWORD WINAPI SetInterfaceDnsSettings(GUID id, const struct dns_settings *settings)
{
    char line[LINE_CHARS];
    const ULONG64 ipv6 = 1, name_server = 2, search_list = 4;
    if (memcmp(&id, &interface_id, sizeof id) != 0) return ERROR_FILE_NOT_FOUND;
    if (settings->version != 1 || (settings->flags & ~ipv6) != (name_server | search_list)) return ERROR_INVALID_PARAMETER;
    snprintf(line, sizeof line, "dns ipv%d servers %ls search %ls", settings->flags & ipv6 ? 6 : 4, settings->name_server,
             settings->search_list);
    return record(line);
}
