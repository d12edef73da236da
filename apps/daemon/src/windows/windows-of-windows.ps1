# Answers one JSON line per request line, { "operation", "id", "bounds" }. Physical pixels, front to back.
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [System.Text.UTF8Encoding]::new($false)
Add-Type @'
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;
public static class Desk {
  public struct Box { public int Left, Top, Right, Bottom; }
  delegate bool Each(IntPtr window, IntPtr data);
  [DllImport("user32")] static extern bool EnumWindows(Each each, IntPtr data);
  [DllImport("user32")] static extern bool IsWindowVisible(IntPtr window);
  [DllImport("user32", CharSet = CharSet.Unicode)] static extern int GetWindowText(IntPtr window, StringBuilder text, int size);
  [DllImport("user32")] public static extern uint GetWindowThreadProcessId(IntPtr window, out uint pid);
  [DllImport("user32")] public static extern IntPtr GetForegroundWindow();
  [DllImport("user32")] public static extern bool SetForegroundWindow(IntPtr window);
  [DllImport("user32")] public static extern bool ShowWindow(IntPtr window, int how);
  [DllImport("user32")] public static extern bool IsIconic(IntPtr window);
  [DllImport("user32")] public static extern bool PostMessage(IntPtr window, uint message, IntPtr a, IntPtr b);
  [DllImport("user32")] public static extern bool SetWindowPos(IntPtr w, IntPtr after, int x, int y, int width, int height, uint flags);
  [DllImport("user32")] static extern bool SetProcessDpiAwarenessContext(IntPtr value);
  // What a person sees, without the invisible borders, and not hidden by another desktop.
  [DllImport("dwmapi")] static extern int DwmGetWindowAttribute(IntPtr window, int what, out Box box, int size);
  [DllImport("dwmapi", EntryPoint = "DwmGetWindowAttribute")] static extern int Cloaked(IntPtr window, int what, out int value, int size);
  public static void Start() { SetProcessDpiAwarenessContext((IntPtr)(-4)); }
  public static string Title(IntPtr window) { var text = new StringBuilder(2001); GetWindowText(window, text, 2001); return text.ToString(); }
  public static Box Bounds(IntPtr window) { Box box; DwmGetWindowAttribute(window, 9, out box, 16); return box; }
  public static List<IntPtr> All() {
    var found = new List<IntPtr>();
    EnumWindows((window, data) => {
      int cloaked;
      Cloaked(window, 14, out cloaked, 4);
      if (IsWindowVisible(window) && cloaked == 0) found.Add(window);
      return true;
    }, IntPtr.Zero);
    return found;
  }
}
'@
[Desk]::Start()

function Get-Rows {
  $front = [Desk]::GetForegroundWindow()
  foreach ($window in [Desk]::All()) {
    $box = [Desk]::Bounds($window)
    if ($box.Right -le $box.Left -or $box.Bottom -le $box.Top) { continue }
    [uint32] $owner = 0
    [void] [Desk]::GetWindowThreadProcessId($window, [ref] $owner)
    $process = Get-Process -Id $owner -ErrorAction SilentlyContinue
    $title = [Desk]::Title($window)
    @{
      id = [string] $window.ToInt64(); pid = [int] $owner; title = $title
      application = $(if ($process) { $process.ProcessName } else { 'unknown' })
      program = $(if ($process -and $process.Path) { $process.Path } else { $null })
      bounds = @{ x = $box.Left; y = $box.Top; width = $box.Right - $box.Left; height = $box.Bottom - $box.Top }
      active = ($window -eq $front); minimized = [Desk]::IsIconic($window); managed = ($title -ne '')
    }
  }
}

function Invoke-Operation($request) {
  if ($request.operation -eq 'list') { return , @(Get-Rows) }
  $window = [IntPtr] [long] $request.id
  if (-not ([Desk]::All() -contains $window)) { throw 'no such window' }
  switch ($request.operation) {
    'focus' { if ([Desk]::IsIconic($window)) { [void] [Desk]::ShowWindow($window, 9) }; [void] [Desk]::SetForegroundWindow($window) }
    'close' { [void] [Desk]::PostMessage($window, 0x10, [IntPtr]::Zero, [IntPtr]::Zero) }
    'minimize' { [void] [Desk]::ShowWindow($window, 6) }
    'maximize' { [void] [Desk]::ShowWindow($window, 3) }
    'restore' { [void] [Desk]::ShowWindow($window, 9) }
    'move' { $b = $request.bounds; [void] [Desk]::SetWindowPos($window, [IntPtr]::Zero, $b.x, $b.y, $b.width, $b.height, 0x14) }
    default { throw "unknown operation $($request.operation)" }
  }
  return $true
}

while ($null -ne ($line = [Console]::In.ReadLine())) {
  try { $answer = @{ result = (Invoke-Operation ($line | ConvertFrom-Json)) } }
  catch { $answer = @{ problem = [string] $_ } }
  [Console]::Out.WriteLine(($answer | ConvertTo-Json -Depth 5 -Compress))
}
