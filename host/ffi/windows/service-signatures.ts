/** Functions of Windows that only a service needs, or who installs and starts one: as signatures.ts has those of a tunnel. */

/** advapi32.dll: the service control manager, its log of events, and the registry, where the log looks sources up. */
export const SERVICE_SIGNATURES = {
  ChangeServiceConfig2W: "aup:i",
  CloseServiceHandle: "a:i",
  ControlService: "aup:i",
  CreateServiceW: "appuuuuppppaa:a",
  DeleteService: "a:i",
  OpenSCManagerW: "aau:a",
  OpenServiceW: "apu:a",
  QueryServiceStatus: "ap:i",
  RegDeleteTreeW: "ap:u",
  RegSetKeyValueW: "appupu:u",
  RegisterEventSourceW: "ap:a",
  RegisterServiceCtrlHandlerExW: "paa:a",
  ReportEventW: "auuuauupa:i",
  SetServiceStatus: "ap:i",
  StartServiceW: "aua:i",
} as const;

/** kernel32.dll: machine code of our own, and a thread for Windows' */
export const CODE_SIGNATURES = {
  CreateThread: "anapup:h",
  FlushInstructionCache: "han:i",
  GetExitCodeThread: "hp:i",
  VirtualAlloc: "anuu:a",
  VirtualProtect: "anup:i",
} as const;
