@echo off
rem The deskhand command on Windows; bin/deskhand is the same for POSIX shells.
setlocal
set "ROOT=%~dp0.."
if not exist "%ROOT%\apps\cli\node_modules" (
  echo deskhand: its packages are not installed; run this first: npm start ^(or npm run setup^), in %ROOT% 1>&2
  exit /b 2
)
set "NODE=%ROOT%\node_modules\node\bin\node.exe"
if exist "%ROOT%\node_modules\.deskhand-node" set /p NODE=<"%ROOT%\node_modules\.deskhand-node"
if not exist "%NODE%" (
  echo deskhand: no Node 24.15 or newer here; run this first: npm start ^(or npm run setup^), in %ROOT% 1>&2
  exit /b 2
)
rem Types are stripped and modules compiled once, not at every start.
if not defined NODE_COMPILE_CACHE set "NODE_COMPILE_CACHE=%ROOT%\node_modules\.cache\deskhand-code"
"%NODE%" --disable-warning=ExperimentalWarning "%ROOT%\apps\cli\src\main.ts" %*
exit /b %ERRORLEVEL%
