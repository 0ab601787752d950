import SaturnCommands

SaturnCommand.start()
