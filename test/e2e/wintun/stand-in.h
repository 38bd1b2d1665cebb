/* What both stand-ins know. Include it behind <windows.h>. */
#include <stdint.h>

/* An interface that is not there otherwise: of type 53 (IF_TYPE_PROP_VIRTUAL), and with a large index. */
#define STANDIN_LUID (((uint64_t)53 << 48) | ((uint64_t)0xfffff0 << 24))

/* DNS_INTERFACE_SETTINGS of <netioapi.h> since Windows 10, version 2004, as Microsoft documents it; mingw-w64's headers may lack it. */
struct dns_settings {
    ULONG version;
    ULONG64 flags;
    PWSTR domain, name_server, search_list;
    ULONG registration_enabled, register_adapter_name, enable_llmnr, query_adapter_name;
    PWSTR profile_name_server;
};
