import SaturnCommands

await SaturnCommand.start()
